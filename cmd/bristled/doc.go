// Command bristled is a peer daemon for federated learning without a server,
// and the workbench around it. `bristled help` lists what it does.
//
// There is one file per subcommand. This is the only room that knows cobra and
// viper: it reads flags, environment and file into a struct, checks it, and
// hands typed values inward. It prints; the rooms below return values and
// errors, and log through the logger that they are given.
//
// # What always holds
//
//   - An unknown key, flag or command is an error that names the nearest one.
//   - Errors say what to do next and exit with 1, mistakes in the command line
//     with 2. Standard output has results, standard error everything else.
//   - The first Ctrl-C ends in order, the second at once.
package main
