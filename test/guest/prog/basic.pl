#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# perl: hashes, sorting, regular expressions, big strings, files, signals, sockets, alarm, eval.
use strict;
use warnings;
use Socket;
use POSIX ();

my %h = map { $_ => $_ ** 2 } 1 .. 1000;
my $sum = 0;
$sum += $h{$_} for keys %h;
print "sum $sum\n";
print join(",", (sort { $b <=> $a } values %h)[0 .. 4]), "\n";
my $text = "The quick brown fox " x 10000;
my $n = () = $text =~ /\b(q\w+)\s+(b\w+)/g;
print "matches $n\n";
(my $copy = $text) =~ s/fox/dog/g;
print length($copy), " ", substr($copy, 16, 3), "\n";
open(my $f, '>', '/tmp/perl-file') or die $!;
print $f "$_\n" for 1 .. 5000;
close $f;
open($f, '<', '/tmp/perl-file') or die $!;
my $lines = 0;
while (<$f>) { $lines += $_ }
close $f;
print "lines $lines size ", -s '/tmp/perl-file', "\n";
unlink '/tmp/perl-file';
my $got = 0;
local $SIG{USR1} = sub { $got++ };
kill 'USR1', $$ for 1 .. 3;
print "signals $got\n";
eval {
	local $SIG{ALRM} = sub { die "alarm\n" };
	alarm 1;
	1 while 1;
};
print "eval: $@";
# not $a and $b, which belong to sort
socketpair(my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
syswrite $left, "over a socket";
sysread $right, my $buf, 100;
print "$buf\n";
print POSIX::strftime("%Y-%m-%d", gmtime(86400 * 365)), "\n";
printf "%.10f %e\n", atan2(1, 1) * 4, 1 / 3;
my @sorted = sort { $a <=> $b } map { ($_ * 7919) % 10007 } 1 .. 10000;
print "$sorted[0] $sorted[5000] $sorted[-1]\n";
exit 3;
