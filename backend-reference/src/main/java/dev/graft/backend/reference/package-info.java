/**
 * Runs graphs by plain Java loops, exactly as their operations are specified.
 *
 * <p>
 * Floating-point operations read their operands as doubles, compute in double and round the result once to
 * F32; BF16 and F16 round once more from there. For +, −, ×, ÷ and √ that is the correctly rounded F32
 * result. Sums and matrix products accumulate in double, in the order of the elements, so an F32 result
 * carries hardly more than one rounding. F64 sums carry those of plain double arithmetic.
 */
@NullMarked
package dev.graft.backend.reference;

import org.jspecify.annotations.NullMarked;
