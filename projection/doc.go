// Package projection folds records of the log into the index. It is the one apply path: live
// writes, catching up at open, rebuild, verify and replay all go through [Projector.Apply].
package projection
