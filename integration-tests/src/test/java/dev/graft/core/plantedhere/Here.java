package dev.graft.core.plantedhere;

import dev.graft.core.plantedthere.There;
import java.util.List;
import org.apiguardian.api.API;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
@API(status = API.Status.INTERNAL, since = "0.1")
public record Here(List<There> others) {}
