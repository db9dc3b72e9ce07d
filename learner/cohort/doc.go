// Package cohort reads a hospital's collection: images of patients, with
// labels.
//
//   - [Open] lists a collection and checks the list before an image is
//     decoded: a directory with a labels file, a directory with one folder per
//     class, an npz file, or a store. [Cohort.Load] then reads the images for
//     a network.
//   - [Inspect] says what a collection is made of and what is wrong with it,
//     and [Sheet.WriteContact] shows some of its images.
//   - [Import] copies a collection into a store, without names.
//
// # The store
//
// A store is a directory that can be learned from as it is. It has
//
//	samples/ab/abcd....png  the images, each named by the SHA-256 of its file
//	index.csv               their patients, labels and splits: file,patient,label,split
//	audit.jsonl             a line for every file that was read: when, its SHA-256
//	                        and size, and what became of it
//	patients.key            32 random bytes that pseudonyms are made with
//
// The PNG files hold pixels and nothing else, as much as the original has of
// grey and colour. A patient is a pseudonym in the store, P- and 12
// hexadecimal digits of HMAC-SHA256 under the store's key, the same at every
// import; without the key nobody can tell whether a given patient is there, so
// keep it apart from copies of the store. Reading a store needs no key.
//
// # What always holds
//
//   - No patient is named in an error, on a [Sheet], on a contact sheet, or in
//     a store. A store, and its log, name no original file either. What is
//     written in the pixels themselves, this package does not see.
//   - Images of one patient are in one split, in a collection that Open accepts
//     and in every store.
//   - The result does not depend on the number of workers.
//   - A crash at any moment leaves a store that is as it was, or has all of
//     what was imported. The index, replaced in one step and last, decides: it
//     has no image that is not on the disk and in the log. What it does not
//     name yet is found again by the next import.
//   - A file that cannot be read stops nothing else. It is named with its
//     reason.
//   - Of an npz file and of files without a patient nobody knows whose they
//     are. There, each image is its own patient, and equal images are one's.
package cohort
