// Package robust is the field's aggregation rules on flat vectors: heads or
// whole models, it makes no difference.
//
// A [Rule] makes one vector of n, of which the caller's own is the first. A
// [Filter] comes before a rule and replaces the vectors by others. [Rules] and
// [Filters] list them with their formula, source, breakdown point and constants;
// docs/aggregators.md compares the variants that go under one name.
//
// # What always holds
//
//   - The result has the same bits on every architecture and kernel path and with
//     any number of workers: columns are cut into pieces that depend on the
//     vectors' length alone, and sums over pieces are added in their order.
//   - Distances are sums of squared differences, never differences of squared
//     lengths, which lose all digits when long vectors lie close together.
//   - Ties go to the own vector, then to the one that comes first.
//   - A rule refuses fewer vectors than its constants can bear ([Rule].Least); it
//     is never called with them.
//   - Nothing is allocated once the largest round has been seen.
package robust
