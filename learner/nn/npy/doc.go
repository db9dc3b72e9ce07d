// Package npy writes arrays as NumPy's .npy files, and reads .npy and .npz
// files of the formats that NumPy writes for plain numbers.
package npy
