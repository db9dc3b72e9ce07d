// Package onnxpb holds the subset of the ONNX format that learner/nn uses, as
// generated from onnx.proto.
//
// To generate it again, install protoc 3.21 and
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
package onnxpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative onnx.proto
