#!/bin/sh
# Two volunteers behind separate NATs: do they meet, and how? In network namespaces of its own, as root, with
# nft, coturn (Debian: apt-get install nftables coturn) and a build; takes two minutes and removes all that it made.
#
#   sh scripts/nat.sh               both kinds of NAT
#   sh scripts/nat.sh cone          routers that keep a peer's port: STUN is enough
#   sh scripts/nat.sh symmetric     routers that give each connection another port: TURN carries it
#
# A "home" is a volunteer in a namespace behind a router in another one; the routers and the server, which is
# bootstrap node, STUN and TURN in one, are on one bridge:
#
#   left 10.1.0.2 -- router 198.51.100.11 --+
#                                           +-- bridge -- server 198.51.100.1
#   right 10.2.0.2 - router 198.51.100.12 --+
set -eu
cd "$(dirname "$0")/.."
command -v nft >/dev/null && command -v turnserver >/dev/null || {
  echo 'nat.sh needs nft and turnserver: apt-get install -y nftables coturn' >&2
  exit 1
}
[ "$(id -u)" = 0 ] || { echo 'nat.sh makes network namespaces: run it as root' >&2; exit 1; }
[ -f packages/peer/dist/bundle/node/index.js ] || { echo 'nat.sh runs what is built: npm run build' >&2; exit 1; }

SPACES='server left left-router right right-router'
work=$(mktemp -d)
pids=''

name() { echo "layerswarm-$1"; }
at() { space=$1; shift; ip netns exec "$(name "$space")" "$@"; }
start() { # namespace, log, command…
  space=$1; log=$2; shift 2
  ip netns exec "$(name "$space")" "$@" >"$work/$log" 2>&1 &
  pids="$pids $!"
}
stop() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  pids=''
}
clear() {
  stop
  for space in $SPACES; do ip netns del "$(name "$space")" 2>/dev/null || true; done
}
trap 'clear; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

build() { # masquerade's flags
  for space in $SPACES; do ip netns add "$(name "$space")"; at "$space" ip link set lo up; done
  at server ip link add bridge type bridge
  at server ip addr add 198.51.100.1/24 dev bridge
  at server ip link set bridge up
  # As a server has one: what is sent to addresses of a home is lost on the way, and not refused here.
  at server ip route add default via 198.51.100.254
  number=1
  for home in left right; do
    ip -n "$(name "$home-router")" link add outside type veth peer name "$home" netns "$(name server)"
    at server ip link set "$home" master bridge up
    at "$home-router" ip addr add "198.51.100.1$number/24" dev outside
    at "$home-router" ip link set outside up
    ip -n "$(name "$home")" link add home type veth peer name inside netns "$(name "$home-router")"
    at "$home-router" ip addr add "10.$number.0.1/24" dev inside
    at "$home-router" ip link set inside up
    at "$home" ip addr add "10.$number.0.2/24" dev home
    at "$home" ip link set home up
    at "$home" ip route add default via "10.$number.0.1"
    at "$home-router" sysctl -qw net.ipv4.ip_forward=1
    at "$home-router" nft -f - <<RULES
table ip nat {
  chain out { type nat hook postrouting priority srcnat; oifname "outside" masquerade $1; }
}
table ip filter {
  chain forward { type filter hook forward priority filter; policy drop;
    iifname "inside" accept
    ct state established,related accept
  }
  # As routers do: what comes unasked is dropped before it is remembered, and takes no port of an answer.
  chain input { type filter hook input priority filter; policy drop; iifname "inside" accept; }
}
RULES
    number=$((number + 1))
  done
}

trial() { # name, masquerade's flags
  build "$2"
  start server turn.log turnserver -n --listening-ip 198.51.100.1 --relay-ip 198.51.100.1 --listening-port 3478 \
    --lt-cred-mech --user peer:secret --realm layerswarm --no-tls --no-dtls --no-cli --fingerprint \
    --log-file stdout --pidfile "$work/turn.pid" --userdb "$work/turn.db"
  start server server.log node apps/cli/bin/layerswarm.js signaling --host 198.51.100.1 --port 9000 \
    --ice-server stun:198.51.100.1:3478 --ice-server turn:198.51.100.1:3478,peer,secret
  sleep 4
  start left left.log node scripts/nat-peer.mjs http://198.51.100.1:9000 0,1,2,3
  start right right.log node scripts/nat-peer.mjs http://198.51.100.1:9000 4,5,6,7
  echo "$1: the left one's report"
  wait "${pids##* }" || true
  sleep 1
  cat "$work/left.log"
  echo "$1: the right one's report"
  cat "$work/right.log"
  clear
}

clear
[ "${1:-both}" = symmetric ] || trial cone 'persistent'
[ "${1:-both}" = cone ] || trial symmetric 'random,fully-random'
