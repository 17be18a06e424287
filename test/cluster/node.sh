#!/usr/bin/env bash
# A real one-node Kubernetes: etcd, API server, controllers, scheduler, registry, containerd, kubelet, kube-proxy and
# coredns, all in network, mount, pid and uts namespaces of their own. No interface leads out of that network: nothing in
# it reaches the machine's network or is reached from it, and standard ports are free. When its first process is killed,
# the kernel ends all others, containers too, and takes away their mounts.
#   node.sh hold BIN_DIR RUN_DIR NAME PAUSE_TAR      makes the namespaces and stays (root)
#   node.sh start BIN_DIR RUN_DIR NAME PAUSE_TAR     starts everything in them; ends when the node is ready
#   node.sh clean BIN_DIR RUN_DIR NAME PAUSE_TAR     after its end: removes its control groups
# RUN_DIR gets certificates, data, logs, node.pid, and kubeconfig.
set -euo pipefail
self=$(realpath "${BASH_SOURCE[0]}"); do=$1; bin=$2; run=$3; node=$4; pause=$5

# Documentation ranges (RFC 5737): never anybody's. NODE_IP is known to the tests (start-cluster.ts).
NODE_IP=203.0.113.1 SERVICES=203.0.113.128/25 API_SVC=203.0.113.129 PODS=198.51.100.0/24
cni=/usr/lib/cni pki=$run/pki log=$run/log

hold() {
  mkdir -p "$pki" "$log" "$run/cni/net.d" "$run/certs.d/_default"; rm -f "$run/init-done"
  echo $$ > "$run/holder.pid"
  exec unshare --mount --net --pid --uts --fork --kill-child --mount-proc -- bash "$self" init "$bin" "$run" "$node" "$pause"
}

# The first process of the new namespaces.
init() {
  mount --make-rshared /                      # a pod may ask for mount propagation; nothing leaves this namespace
  bind() { mkdir -p "$1" "$2"; mount --bind "$1" "$2"; }
  # The standard places (short paths for sockets), but each is a folder of RUN_DIR or a tmpfs, never the machine's own.
  mount -t tmpfs -o mode=755 run /run; mkdir -p /run/lock
  bind "$run/kubelet" /var/lib/kubelet
  bind "$run/containerd" /var/lib/containerd
  bind "$run/cni/state" /var/lib/cni
  bind "$run/varlog" /var/log
  # The kubelet sets these for the whole machine; it leaves them alone where they read as it wants them.
  mkdir -p "$run/sysctl"
  for kv in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
            kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    f=$run/sysctl/$(basename "${kv%=*}"); echo "${kv#*=}" > "$f"; mount --bind "$f" "/proc/sys/${kv%=*}"; done
  # Control groups as the machine has them; where it has none mounted: v1, here only.
  if ! grep -qE '^[^ ]+ /sys/fs/cgroup[ /]' /proc/self/mounts; then
    mount -t tmpfs cgroup /sys/fs/cgroup
    for c in cpu cpuacct cpuset memory devices freezer blkio pids; do
      mkdir "/sys/fs/cgroup/$c"; mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c" || rmdir "/sys/fs/cgroup/$c"; done
  fi
  for d in /sys/fs/cgroup/*/; do              # the kubelet wants its cgroupRoot to exist in every hierarchy
    mkdir -p "$d$node"
    if [ -e "$d$node/cpuset.cpus" ]; then for f in cpus mems; do
      [ -s "$d$node/cpuset.$f" ] && [ -n "$(cat "$d$node/cpuset.$f")" ] || cat "${d}cpuset.$f" > "$d$node/cpuset.$f"; done; fi
  done
  hostname "$node"
  ip link set lo up
  ip link add eth0 type veth peer name eth0-peer   # both ends stay here
  ip link set eth0-peer up; ip link set eth0 up
  ip addr add "$NODE_IP/32" dev eth0
  ip route add default dev eth0               # a service address needs some route before it is rewritten
  echo 1 > /proc/sys/net/ipv4/ip_forward
  touch "$run/init-done"
  exec "$bin/pause"
}

certificates() {
  cd "$pki"; umask 077
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -subj /CN=test-ca -days 30 -out ca.crt
  crt() { # NAME SUBJECT EXTENSIONS
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" |
      openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile <(printf "$3") -out "$1.crt"; }
  crt apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:$NODE_IP,IP:$API_SVC,DNS:localhost,DNS:kubernetes.default.svc,DNS:kubernetes.default\nextendedKeyUsage=serverAuth"
  crt kubelet   "/CN=$node"        "subjectAltName=IP:$NODE_IP,DNS:$node\nextendedKeyUsage=serverAuth"
  crt node      "/O=system:nodes/CN=system:node:$node" 'extendedKeyUsage=clientAuth'
  crt admin     /O=system:masters/CN=admin 'extendedKeyUsage=clientAuth'
  openssl ecparam -name prime256v1 -genkey -noout -out sa.key; openssl ec -in sa.key -pubout -out sa.pub
}

b64() { base64 -w0 < "$1"; }
kubeconfig() { # CERTIFICATE FILE
  cat > "$2" <<K
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: user}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(b64 "$pki/ca.crt")}}]
users: [{name: user, user: {client-certificate-data: $(b64 "$pki/$1.crt"), client-key-data: $(b64 "$pki/$1.key")}}]
K
}

configure() {
  kubeconfig admin "$run/kubeconfig"; kubeconfig node "$run/kubelet.kubeconfig"
  cat > "$run/containerd.toml" <<K
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Where root lacks CAP_SYS_RESOURCE runc dies of the pods' oom_score_adj of -998 without this.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$cni"
    conf_dir = "$run/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$run/certs.d"
K
  # Every image name, whatever registry it names, is asked for at the registry in here.
  cat > "$run/certs.d/_default/hosts.toml" <<K
server = "http://127.0.0.1:5000"
[host."http://127.0.0.1:5000"]
  capabilities = ["pull", "resolve"]
K
  cat > "$run/cni/net.d/10-node.conflist" <<K
{"cniVersion": "0.4.0", "name": "node", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$PODS"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
K
  : > "$run/resolv.conf"                      # no name server besides ours, which forwards nothing
  cat > "$run/Corefile" <<K
. {
  bind $NODE_IP
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $run/kubeconfig test
  }
  cache 5
}
K
  cat > "$run/kubelet.yaml" <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$node
failSwapOn: false
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: "$pki/ca.crt"}}
authorization: {mode: AlwaysAllow}
tlsCertFile: "$pki/kubelet.crt"
tlsPrivateKeyFile: "$pki/kubelet.key"
resolvConf: "$run/resolv.conf"
clusterDomain: cluster.local
clusterDNS: [$NODE_IP]
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
maxPods: 60
K
  cat > "$run/registry.yaml" <<K
version: 0.1
storage: {filesystem: {rootdirectory: "$run/registry"}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5000"}
log: {level: warn, accesslog: {disabled: true}}
K
  cat > "$run/kube-proxy.yaml" <<K
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: $PODS
hostnameOverride: $node
clientConnection: {kubeconfig: "$run/kubeconfig"}
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
K
}

# Runs a command inside the node's namespaces. Nothing in there may go through a proxy.
enter() {
  nsenter -t "$(cat "$run/node.pid")" -m -n -p -u --wdns=/ -- env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY \
    -u all_proxy -u ALL_PROXY KUBECONFIG="$run/kubeconfig" PATH="$bin:$PATH:/usr/sbin:/sbin" "$@"; }
begin() { local n=$1; shift; enter "$@" >"$log/$n.log" 2>&1 </dev/null & echo $! > "$run/$n.pid"; }
await() { # NAME SECONDS COMMAND...
  local n=$1 end=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$(cat "$run/$n.pid")" 2>/dev/null || { echo "$n died:" >&2; tail -5 "$log/$n.log" >&2; exit 1; }
    [ $SECONDS -lt $end ] || { echo "$n is not ready:" >&2; tail -5 "$log/$n.log" >&2; exit 1; }
    sleep 0.1; done; }
get() { enter curl -sf --max-time 5 --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "$@"; }

start() {
  local holder; holder=$(cat "$run/holder.pid")
  awk '{print $1}' "/proc/$holder/task/$holder/children" > "$run/node.pid"
  (certificates) 2>"$log/openssl.log"
  configure
  begin etcd etcd --name test --data-dir "$run/etcd" --unsafe-no-fsync --log-level warn
  begin containerd containerd --config "$run/containerd.toml" --log-level info
  begin registry docker-registry serve "$run/registry.yaml"
  await etcd 60 get http://127.0.0.1:2379/health
  begin apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --advertise-address $NODE_IP \
    --service-cluster-ip-range $SERVICES --allow-privileged --authorization-mode Node,RBAC \
    --enable-admission-plugins NodeRestriction --profiling=false \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --client-ca-file "$pki/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/sa.pub" \
    --service-account-signing-key-file "$pki/sa.key" --api-audiences https://kubernetes.default.svc \
    --kubelet-certificate-authority "$pki/ca.crt" --kubelet-client-certificate "$pki/admin.crt" \
    --kubelet-client-key "$pki/admin.key" --kubelet-preferred-address-types InternalIP
  await containerd 60 enter ctr version
  enter ctr -n k8s.io images import "$pause" >/dev/null
  await registry 60 get http://127.0.0.1:5000/v2/
  await apiserver 180 get https://127.0.0.1:6443/readyz
  begin kcm kube-controller-manager --kubeconfig "$run/kubeconfig" --leader-elect=false \
    --service-account-private-key-file "$pki/sa.key" --root-ca-file "$pki/ca.crt" --use-service-account-credentials=false
  begin scheduler kube-scheduler --kubeconfig "$run/kubeconfig" --leader-elect=false
  begin kubelet kubelet --config "$run/kubelet.yaml" --kubeconfig "$run/kubelet.kubeconfig" \
    --hostname-override "$node" --node-ip $NODE_IP
  begin kube-proxy kube-proxy --config "$run/kube-proxy.yaml"
  begin coredns coredns -conf "$run/Corefile"
  await kcm 120 get https://127.0.0.1:6443/api/v1/namespaces/default/serviceaccounts/default
  await kubelet 120 enter kubectl wait --for=condition=Ready "node/$node" --timeout=1s
  await kube-proxy 60 get http://127.0.0.1:10256/healthz
  await coredns 60 get http://127.0.0.1:8181/ready
  # No provisioner, for PersistentVolumes made by hand. Volumes of the source `local` take a pod's fsGroup.
  enter kubectl apply -f - >/dev/null <<K
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
K
  disown -a                                   # what was begun stays
}

# The innermost first.
clean() {
  for d in /sys/fs/cgroup/*/"$node"; do [ -d "$d" ] || continue
    find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}

"$do"
