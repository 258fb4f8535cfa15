package dev.graft.tools.check;

import java.util.List;
import org.apiguardian.api.API;

/**
 * Tells how a case went.
 *
 * @param name of the case's folder
 * @param backend that ran it
 * @param passed whether all that was compared is within its tolerance
 * @param worst largest error as a share of its tolerance
 * @param detail where that was, or what is wrong
 * @param notes what the model and the adapters say that has no effect, or another one
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record CheckResult(String name, String backend, boolean passed, double worst, String detail,
    List<String> notes) {}
