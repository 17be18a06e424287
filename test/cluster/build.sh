#!/usr/bin/env bash
# Builds a Kubernetes of Go modules: etcd, API server, controllers, scheduler, kubectl, kubelet, kube-proxy, coredns, and
# the process that holds a pod's namespaces. It is whole when this ends with 0.
#   build.sh GO BIN_DIR
set -euo pipefail
go=$1; mkdir -p "$2"; bin=$(cd "$2" && pwd)

# The last minor whose kubelet takes containerd 1.x (Debian 12). Its staging modules are v0.36.3; go.mod asks for Go 1.26.
K8S=1.36.3
# The version of the client in Kubernetes' own go.mod.
ETCD=3.6.8
COREDNS=1.14.7

# Every k8s.io module that Kubernetes' go.mod requires as v0.0.0.
staging="api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider
 cluster-bootstrap code-generator component-base component-helpers controller-manager cri-api cri-client
 cri-streaming csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator
 kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils
 pod-security-admission sample-apiserver streaming"

tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
say() { printf '%4ds  %s\n' $SECONDS "$*" >&2; }

# -p 2: two packages at a time; -trimpath: no path of this machine in the binaries; -s -w: a third smaller. Without cgo
# the kubelet is static.
build() { # NAME PACKAGE [LINKER FLAGS]
  CGO_ENABLED=0 nice -n 10 "$go" build -mod=mod -p 2 -trimpath -buildvcs=false -ldflags "-s -w ${3:-}" -o "$bin/$1" "$2"
  say "$1"; }

module() { # NAME: a folder for a module of that name, as the working directory
  mkdir "$tmp/$1"; cd "$tmp/$1"; printf 'module %s\n\ngo 1.26.0\n\n' "$1" > go.mod; }

module etcdbuild
echo "require go.etcd.io/etcd/server/v3 v$ETCD" >> go.mod
build etcd go.etcd.io/etcd/server/v3

module kubebuild
{ echo "godebug default=go1.26"; echo "require k8s.io/kubernetes v$K8S"; echo "replace ("
  for m in $staging; do echo "	k8s.io/$m => k8s.io/$m v0.${K8S#1.}"; done; echo ")"; } >> go.mod
v=k8s.io/component-base/version
for name in kube-apiserver kubectl kube-controller-manager kube-scheduler kubelet kube-proxy; do
  build $name k8s.io/kubernetes/cmd/$name \
    "-X $v.gitVersion=v$K8S -X $v.gitMajor=1 -X $v.gitMinor=36 -X $v.gitTreeState=clean"
done

# With the plugins that a cluster's name server needs: its own list pulls in three cloud SDKs.
module dnsbuild
{ echo "require github.com/coredns/coredns v$COREDNS"
  for m in api apimachinery client-go; do echo "require k8s.io/$m v0.${K8S#1.}"; done; } >> go.mod
{ echo 'package main'; echo 'import ("github.com/coredns/coredns/coremain"'
  for m in bind cache errors kubernetes ready; do echo "_ \"github.com/coredns/coredns/plugin/$m\""; done
  echo ')'; echo 'func main() { coremain.Run() }'; } > main.go
build coredns .

module pause
cat > main.go <<'G'
// Waits for a signal, and reaps orphans where it is process 1 of a pod.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range c {
		if s != syscall.SIGCHLD {
			os.Exit(0)
		}
		for {
			if p, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); p <= 0 || err != nil {
				break
			}
		}
	}
}
G
build pause .
