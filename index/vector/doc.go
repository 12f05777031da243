// Package vector is the arithmetic of the vector index: how a vector is stored, how it is shortened
// to one bit a dimension, and how many of those are scanned at once. It knows no disk, no model and
// no document; package index keeps what is made here in pebble, package index/embed makes vectors.
//
// # The stored vector
//
// A [Vector] is the unit vector that a model gave, rotated, as one int8 a dimension and one float32
// scale (encoding 1, specified with test vectors in ENCODING.md). The rotation spreads what a
// vector says evenly over its dimensions, so that one scale fits them all: sign flips, a
// permutation and a Hadamard transform, twice (Ailon and Chazelle, The Fast Johnson-Lindenstrauss
// Transform, 2009). It is orthogonal, so inner products are those of the model, and it can be taken
// back ([Rotation.Decode]).
//
// # Codes
//
// A code is RaBitQ (Gao and Long, SIGMOD 2024) with one bit a dimension: the signs of the vector
// less a mean, and two factors that make the estimate of an inner product unbiased ([Estimate]).
// The query, of 13 bits a dimension ([Query]), is kept at five for that. Inner products of codes
// and query are sums over a table of four bits at a time (André, Kermarrec and Le Scouarnec,
// Quicker ADC, 2019), for 32 codes side by side: one shuffle instruction looks up 32 of them.
//
// # Partitions
//
// From [FirstPartition] vectors on each belongs to a partition: k-means by cosine ([Train]), made
// at numbers of vectors that the log determines, never moved. They change the order of codes in
// memory and nothing else: codes and vectors are the same, in runs of 65,536 that are sealed when
// full, and what is not sealed is always scanned (as in SPFresh, Xu et al., SOSP 2023, but that
// nothing is ever split or moved). A scan of [Scan.Partitions] looks into one in six.
//
// # Equal on every machine
//
// What kernels add up are integers, so every kernel of every processor gives the same ones: Go (the
// reference), AVX2, AVX-512 and NEON, compared by tests. Floating point stands in Go, with every
// product converted explicitly, since a compiler may fuse a product with an addition (and does on
// arm64) where that is not said, and in routines that do the same operations in the same order for
// eight or sixteen codes side by side. Sums run in a fixed order. So codes, digests and rankings
// are the same bits everywhere.
//
// # Concurrency
//
// Vectors, codes, rotations and queries are values that nobody changes once made. A [Slab] has one
// writer and any number of readers.
package vector
