/** IA3: few vectors that scale what flows through a model (Liu et al. 2022). */
@NullMarked
package org.example.ia3;

import org.jspecify.annotations.NullMarked;
