// Package wirepb is generated from federation.proto. Only tests import it:
// they check that the hand-written codec of package federation, which is
// stricter than protobuf, reads and writes what protobuf reads and writes.
package wirepb

//go:generate protoc --proto_path=../.. --go_out=. --go_opt=paths=source_relative federation.proto
