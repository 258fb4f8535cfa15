package dev.graft.template;

import org.apiguardian.api.API;

/**
 * Marks a part of a text.
 *
 * @param start index of its first character
 * @param end index after its last
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Span(int start, int end) {}
