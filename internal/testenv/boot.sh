#!/bin/bash
# Boots a systemd over a copy-on-write view of this machine's root, in namespaces
# of its own. boot.go runs it; it needs root and makes no file outside.
#
#   keeper   outermost, in a mount namespace of its own. It lives as long as its
#            standard input, makes the machine's cgroup and removes it, and kills
#            the machine. Standard input ends with the test, however that ends.
#   first    process 1 of the new namespaces, still on the host's root: it tells
#            its process ID outside, and enters the cgroup.
#   root     the same process in its cgroup namespace: builds the new root, and
#            becomes systemd.
#
# NAME is the cgroup's, PERSON the ordinary user's, BINDS lines of "inside outside".
set -eu

keeper() {
	trap '' HUP INT TERM
	mount --make-rprivate /
	mount -t cgroup2 cgroup2 /mnt
	mkdir "/mnt/$NAME"
	# The chain of deaths holds even where this process is killed first.
	setpriv --pdeathsig KILL unshare --fork --kill-child=KILL --pid --mount --uts --ipc --net \
		bash -c 'eval "$BOOT"' boot first </dev/null &
	outer=$!
	cat >/dev/null
	# Its parent buries process 1 and ends; whoever killed the parent would leave
	# process 1 to a container's own, which may bury nobody.
	kill -9 $(cat /proc/$outer/task/$outer/children 2>/dev/null) 2>/dev/null || kill -9 $outer 2>/dev/null || true
	wait $outer 2>/dev/null || true
	# Killed processes leave their cgroups a moment later.
	for _ in $(seq 100); do
		find "/mnt/$NAME" -depth -type d -exec rmdir {} + 2>/dev/null && exit 0
		sleep 0.05
	done
	echo "the cgroup $NAME cannot be removed" >&2
	exit 1
}

first() {
	# The host's /proc is still in view, so this is the ID that the host knows.
	read -r pid _ </proc/self/stat
	echo 0 >"/mnt/$NAME/cgroup.procs"
	echo "$pid"
	exec unshare --cgroup bash -c 'eval "$BOOT"' boot root
}

device() { : >"dev/$1" && mount --bind "/dev/$1" "dev/$1"; }

root() {
	umount /mnt
	mount -t tmpfs -o mode=755 tmpfs /mnt
	mkdir /mnt/up /mnt/work /mnt/root
	mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root
	cd /mnt/root
	mount -t proc -o nosuid,nodev,noexec proc proc
	# What systemd-sysctl and the like would set belongs to the host.
	mount --bind proc/sys proc/sys
	mount -o remount,bind,ro proc/sys
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755,nosuid tmpfs dev
	for d in null zero full random urandom tty; do device $d; done
	: >dev/console && mount --bind /dev/null dev/console
	mkdir dev/pts dev/shm
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
	mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs var/tmp
	# A journal and a name of its own: the host may have one with the same ID.
	rm -rf var/log/journal etc/fstab etc/systemd/system/*.wants etc/systemd/user/*.wants
	mkdir -p var/log/journal
	tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
	echo machine >etc/hostname
	hostname machine
	# A container's dpkg leaves manual pages out.
	rm -f etc/dpkg/dpkg.cfg.d/*
	# Or the installation of a package renews the index of all manual pages.
	rm -f var/lib/man-db/auto-update
	for unit in systemd-modules-load.service modprobe@.service dev-hugepages.mount sys-kernel-debug.mount \
		sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
		ln -sf /dev/null "etc/systemd/system/$unit"
	done
	while read -r inside outside; do
		[ -n "$inside" ] || continue
		mkdir -p ".$(dirname "$inside")"
		if [ -d "$outside" ]; then mkdir -p ".$inside"; else : >>".$inside"; fi
		mount --bind "$outside" ".$inside"
		mount -o remount,bind,ro ".$inside"
	done <<-END
		$BINDS
	END
	# Nothing of what the host would start, only what a session needs.
	cat >etc/systemd/system/machine.target <<-END
		[Unit]
		Description=A machine for tests
		Requires=basic.target
		After=basic.target
		Wants=dbus.socket systemd-logind.service systemd-user-sessions.service systemd-journal-flush.service
	END
	pivot_root . mnt
	id "$PERSON" >/dev/null 2>&1 || useradd -m -s /bin/bash "$PERSON"
	mkdir -p /var/lib/systemd/linger
	: >"/var/lib/systemd/linger/$PERSON"
	umount -l /mnt
	exec setpriv --bounding-set -sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 container=offlineimapd-test \
		/lib/systemd/systemd --system --unit=machine.target --log-target=journal --show-status=no
}

"$1"
