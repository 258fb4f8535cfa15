/** Holds our own plug-ins to the contracts that everyone's are held to. */
@NullMarked
package dev.graft.integration.contract;

import org.jspecify.annotations.NullMarked;
