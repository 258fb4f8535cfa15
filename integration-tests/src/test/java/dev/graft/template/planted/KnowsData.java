package dev.graft.template.planted;

import dev.graft.data.dataset.DataSet;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record KnowsData(DataSet forbidden) {}
