// Package safetensors reads and writes files of named tensors in the
// safetensors format, and gives a graph the weights of one.
//
// A file is 8 bytes with the length of a header, the header in JSON, which
// states the type, shape and place of every tensor, and the numbers.
package safetensors
