package dev.graft.template;

/**
 * What a name or an attribute that does not exist evaluates to: empty when printed, an error when used.
 *
 * @param why the end of a sentence for the error, such as {@code 'x' is undefined}
 */
record Undefined(String why) {}
