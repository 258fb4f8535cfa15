package dev.graft.core.planted;

import java.net.Socket;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
record OpensSocket(Socket forbidden) {}
