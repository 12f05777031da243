package main

// benchCommand holds the measures; each is a file of its own, beside its measure in internal/bench.
func benchCommand() *command {
	return &command{
		name: "bench", group: "Prove",
		summary: "Measure this binary on this machine",
		about: `
Each measure runs this binary in a store that is thrown away, with a reference in the same run, and
reports medians. Your own store is not touched.`,
		subs: []*command{benchWindowsCommand(), benchRecallCommand(), benchSearchCommand()},
	}
}
