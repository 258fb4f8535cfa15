package dev.graft.backend.cuda;

import dev.graft.graph.DType;

/**
 * All that the choice of a matrix product's algorithm depends on. Matrices are row-major with a distance from
 * row to row; a transposed operand lies with its axes exchanged.
 *
 * @param type of the operands
 * @param outType of the result
 * @param m rows of the result
 * @param n columns of the result
 * @param k length of the contracted axis
 * @param transposeA whether a lies as [k, m]
 * @param transposeB whether b lies as [n, k]
 * @param lda distance of a's rows, in elements
 * @param ldb distance of b's rows
 * @param ldc distance of the result's rows and of what is added
 * @param batch number of products
 * @param strideA distance of a's matrices
 * @param strideB distance of b's matrices
 * @param strideC distance of the results
 * @param adds whether something is added to the product
 * @param alignment of all addresses, in bytes
 */
record ProductShape(DType type, DType outType, long m, long n, long k, boolean transposeA,
    boolean transposeB, long lda, long ldb, long ldc, long batch, long strideA, long strideB, long strideC,
    boolean adds, int alignment) {}
