/**
 * Contracts of plug-ins: whoever extends one and names a plug-in gets all of its tests.
 *
 * <p>
 * Random values come from a seed that each test reports and that the system property
 * {@code graft.testkit.seed} sets: a number, or {@code random} for another one in every run.
 */
@NullMarked
package dev.graft.testkit;

import org.jspecify.annotations.NullMarked;
