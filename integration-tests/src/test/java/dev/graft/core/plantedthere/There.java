package dev.graft.core.plantedthere;

import dev.graft.core.plantedhere.Here;
import java.util.List;
import org.apiguardian.api.API;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
@API(status = API.Status.INTERNAL, since = "0.1")
public record There(List<Here> others) {}
