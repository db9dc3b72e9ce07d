// Package experiment reads experiments from files, runs them, and keeps what they
// showed.
//
// A [File] is YAML: settings that differ from those of Bristle's main row, seeds,
// and what varies. [File.Cells] are its points, one per seed. A [Library] has the
// data; [RunCell] runs one cell, [Sweep] all of them, [Merge] collects shards that
// ran on several machines, [Explain] says what a rule made of each update.
// [Paper] has the experiments of the Bristle paper and of bristle+ as files,
// [Author] the figures published for them.
//
// # What always holds
//
//   - One file gives one result, to the byte, on every machine, with any number of
//     workers and shards, and however often it was interrupted. What depends on
//     the machine is in files of its own.
//   - A sweep that cannot be run to its end is refused before its first cell, with
//     the reason.
//   - A cell is named by what its result depends on. A finished cell is never run
//     again, and never lost: files are replaced in one step.
//   - A file may come from anywhere: what it says is bounded, and a mistake in it
//     is named with its line.
package experiment
