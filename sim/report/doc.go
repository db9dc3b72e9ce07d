// Package report turns the results of experiments into files that people look
// at: tables as CSV and Parquet, figures as SVG and PNG, and one HTML page with
// everything on it.
//
// What goes in is plain data, a [Cell] for every cell of a sweep and every
// seed; the package knows nothing of peers, rules or data sets.
//
// # What always holds
//
//   - Equal cells in equal order give equal bytes: no file states a time, a
//     machine or a version, save the HTML page's last section, which is there
//     to state them.
//   - Every function refuses results that cannot be (NaN, an accuracy above 1,
//     curves of unequal length, a cell given twice) with [ErrCell] before it
//     writes a byte.
//   - Names of rules, attacks and labels are foreign text. They are escaped
//     wherever they are written and cut where there is no room.
//   - The HTML page and the figures need no network, no script and no installed
//     font.
package report
