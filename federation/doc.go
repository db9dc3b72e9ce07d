// Package federation holds what the peers of one federation agree on: the
// [Manifest] that names its classes, backbone, rule and limits; the [Head]
// that every peer trains; the [Update] that peers publish in every round; the
// [Prototypes] that they publish once; and the bytes of each on the wire.
//
// # What always holds
//
//   - A manifest has exactly one canonical encoding, and the SHA-256 of it is
//     the federation's [ID]. Two peers that disagree on any constant are in
//     different federations and never see each other's updates.
//   - A decoded value has been checked: its numbers are finite, its classes
//     are known, distinct and ascending, its shape is the manifest's.
//   - Decoding never allocates more than the manifest's wire limits allow,
//     whatever the bytes say.
//
// This package knows nothing of networks, disks, rules or learning, and
// imports none of the project's other packages.
package federation
