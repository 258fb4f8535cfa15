package dev.graft.template;

import org.apiguardian.api.API;

/**
 * Says where in the text of a conversation a message was written, with the marks around it.
 *
 * @param message which message of the conversation, from 0
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MessageSpan(int message, Span span) {}
