;; Reads JSON from a window of memory, sixteen bytes at a time in strings, and writes what it finds onto a tape.
;; Compiled into scanner-code.ts by scripts/write-scanner.ts; driven by scanner.ts, which says what the tape is.
;; It knows only "sound so far" and "refused": whoever hears "refused" has the text read by JSON.parse.
(module
  ;; 0x00010: the window, 256 KiB, and a margin on both sides that loads may touch.
  ;; 0x40100: the tape entry of each open container, by depth.
  ;; 0x50000: the tape, 512 KiB of entries of 16 bytes: kind, start, end, next.
  (memory (export "memory") 13)

  ;; What comes next: 0 a value, 1 a value or "]", 2 a key or "}", 3 a key, 4 ":", 5 "," or an end, 6 nothing more;
  ;; or what a window ended in: 7 a string, 8 a key.
  (global $state (mut i32) (i32.const 0))
  (global $depth (mut i32) (i32.const 0))
  ;; Of each open container whether it is an object, the innermost in the lowest bit.
  (global $objects (mut i64) (i64.const 0))
  ;; What is at address 0 where the window is: the text's offset less the window's address.
  (global $base (mut i32) (i32.const -0x10))
  ;; The next free entry of the tape.
  (global $tape (mut i32) (i32.const 0x50000))
  ;; Of the string that is being read: 0x10 has escapes, 0x20 is a data URI whose data are base64.
  (global $flags (mut i32) (i32.const 0))

  (func (export "begin")
    (global.set $state (i32.const 0))
    (global.set $depth (i32.const 0))
    (global.set $objects (i64.const 0))
    (global.set $base (i32.const -0x10))
    (global.set $tape (i32.const 0x50000)))

  ;; How many entries the tape has; -1 where the text has not come to its end.
  (func (export "finish") (result i32)
    (select
      (i32.shr_u (i32.sub (global.get $tape) (i32.const 0x50000)) (i32.const 4))
      (i32.const -1)
      (i32.eq (global.get $state) (i32.const 6))))

  ;; The end of the number at $p.
  ;; -1 where it is none; what stands behind the window is no digit.
  (func $number (param $p i32) (result i32)
    (local $from i32)
    (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2d)) ;; -
      (then (local.set $p (i32.add (local.get $p) (i32.const 1)))))
    (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x30)) ;; 0
      (then (local.set $p (i32.add (local.get $p) (i32.const 1))))
      (else
        (local.set $from (local.get $p))
        (local.set $p (call $digits (local.get $p)))
        (if (i32.eq (local.get $from) (local.get $p)) (then (return (i32.const -1))))))
    (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2e)) ;; .
      (then
        (local.set $from (i32.add (local.get $p) (i32.const 1)))
        (local.set $p (call $digits (local.get $from)))
        (if (i32.eq (local.get $from) (local.get $p)) (then (return (i32.const -1))))))
    (if (i32.eq (i32.or (i32.load8_u (local.get $p)) (i32.const 0x20)) (i32.const 0x65)) ;; e
      (then
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (if (i32.or
              (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2b)) ;; +
              (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2d))) ;; -
          (then (local.set $p (i32.add (local.get $p) (i32.const 1)))))
        (local.set $from (local.get $p))
        (local.set $p (call $digits (local.get $p)))
        (if (i32.eq (local.get $from) (local.get $p)) (then (return (i32.const -1))))))
    (local.get $p))

  (func $digits (param $p i32) (result i32)
    (loop $more
      (if (i32.lt_u (i32.sub (i32.load8_u (local.get $p)) (i32.const 0x30)) (i32.const 10))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $more))))
    (local.get $p))

  (func $isHex (param $c i32) (result i32)
    (i32.or
      (i32.lt_u (i32.sub (local.get $c) (i32.const 0x30)) (i32.const 10))
      (i32.lt_u
        (i32.sub (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x61))
        (i32.const 6))))

  ;; How long the escape at $p is; 0 where there is none like it.
  (func $escapeAt (param $p i32) (result i32)
    (local $c i32)
    (local.set $c (i32.load8_u offset=1 (local.get $p)))
    ;; The bits of \ b f n r t in one word, and of " / in the other, by the lower six bits of each.
    (if (i32.and
          (i32.wrap_i64
            (i64.shr_u
              (select
                (i64.const 0x14404410000000)
                (i64.const 0x800400000000)
                (i32.and (local.get $c) (i32.const 0x40)))
              (i64.extend_i32_u (local.get $c))))
          (i32.lt_u (local.get $c) (i32.const 0x80)))
      (then (return (i32.const 2))))
    (if (i32.ne (local.get $c) (i32.const 0x75)) (then (return (i32.const 0)))) ;; u
    (select
      (i32.const 6)
      (i32.const 0)
      (i32.and
        (i32.and
          (call $isHex (i32.load8_u offset=2 (local.get $p)))
          (call $isHex (i32.load8_u offset=3 (local.get $p))))
        (i32.and
          (call $isHex (i32.load8_u offset=4 (local.get $p)))
          (call $isHex (i32.load8_u offset=5 (local.get $p)))))))

  ;; Which of sixteen bytes are not one of " / b f n r t: behind a backslash they need a closer look. Both halves of a
  ;; byte have a bit in common where it is one.
  (func $needsLook (param $bytes v128) (result v128)
    (i8x16.eq
      (v128.and
        (i8x16.swizzle
          (v128.const i8x16 0 0 7 0 4 0 2 0 0 0 0 0 0 0 2 1)
          (v128.and (local.get $bytes) (i8x16.splat (i32.const 0x0f))))
        (i8x16.swizzle
          (v128.const i8x16 0 0 1 0 0 0 2 4 0 0 0 0 0 0 0 0)
          (i8x16.shr_u (local.get $bytes) (i32.const 4))))
      (v128.const i64x2 0 0)))

  ;; Bits of those of sixteen bytes that are not in base64's alphabet: A-Z a-z, / and 0-9, +.
  (func $notBase64 (param $bytes v128) (result i32)
    (i32.xor
      (i8x16.bitmask
        (v128.or
          (v128.or
            (i8x16.lt_u
              (i8x16.sub
                (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20)))
                (i8x16.splat (i32.const 0x61)))
              (i8x16.splat (i32.const 26)))
            (i8x16.lt_u
              (i8x16.sub (local.get $bytes) (i8x16.splat (i32.const 0x2f)))
              (i8x16.splat (i32.const 11))))
          (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x2b)))))
      (i32.const 0xffff)))

  ;; Where the data begin of the data URI whose quote is at $p; 0 where it is none, or none that is usual.
  (func $dataOf (param $p i32) (result i32)
    (local $to i32)
    (local $c i32)
    ;; "data" and ":" in whichever case
    (if (i32.or
          (i32.ne
            (i32.or (i32.load offset=1 (local.get $p)) (i32.const 0x20202020))
            (i32.const 0x61746164))
          (i32.ne (i32.load8_u offset=5 (local.get $p)) (i32.const 0x3a)))
      (then (return (i32.const 0))))
    (local.set $to (i32.add (local.get $p) (i32.const 100)))
    (local.set $p (i32.add (local.get $p) (i32.const 6)))
    (loop $more
      (local.set $c (i32.load8_u (local.get $p)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (if (i32.eq (local.get $c) (i32.const 0x2c)) (then (return (local.get $p)))) ;; ,
      (if (i32.or
            (i32.or
              (i32.eq (local.get $c) (i32.const 0x22))
              (i32.eq (local.get $c) (i32.const 0x5c)))
            (i32.or
              ;; no visible ASCII
              (i32.ge_u (i32.sub (local.get $c) (i32.const 0x20)) (i32.const 0x5f))
              (i32.ge_u (local.get $p) (local.get $to))))
        (then (return (i32.const 0))))
      (br $more))
    (unreachable))

  ;; Reads the window's first $end bytes. Gives how many of them are done with: the others, at most a few, have to be at
  ;; the beginning of the next window. -1: refused. $isLast: nothing follows them.
  (func (export "scan") (param $end i32) (param $isLast i32) (result i32)
    (local $p i32)
    (local $c i32)
    (local $to i32)
    (local $mask i32)
    (local $bit i32)
    (local $flags i32)
    (local $bytes v128)
    (local $escaped v128)
    (local $stop v128)
    ;; What was escaped in the string so far.
    (local $seen v128)
    (local $state i32)
    (local $depth i32)
    (local $tape i32)
    (local.set $state (global.get $state))
    (local.set $depth (global.get $depth))
    (local.set $tape (global.get $tape))
    (local.set $flags (global.get $flags))
    (local.set $p (i32.const 0x10))
    (local.set $end (i32.add (local.get $end) (local.get $p)))
    ;; Behind the window stand quotes, so that no string's loop runs on.
    (v128.store (local.get $end) (i8x16.splat (i32.const 0x22)))
    (block $refused
      (block $ended
        (block $stopped
          (loop $next
            (if (i32.ge_u (local.get $state) (i32.const 7)) ;; in a string
              (then
                (block $closed
                  ;; What its data URI holds, as long as it is base64.
                  (block $plain
                    (br_if $plain (i32.eqz (i32.and (local.get $flags) (i32.const 0x20))))
                    (loop $block
                      (local.set $mask (call $notBase64 (v128.load (local.get $p))))
                      (if (i32.eqz (local.get $mask))
                        (then
                          (local.set $p (i32.add (local.get $p) (i32.const 16)))
                          (br $block))))
                    (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask))))
                    (if (i32.ge_u (local.get $p) (local.get $end))
                      (then
                        (local.set $p (local.get $end))
                        (br $ended)))
                    (local.set $to (local.get $p))
                    (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x3d)) ;; =
                      (then
                        ;; With its quote.
                        (br_if $ended
                          (i32.and
                            (i32.eqz (local.get $isLast))
                            (i32.lt_u
                              (i32.sub (local.get $end) (local.get $p))
                              (i32.const 3))))
                        (local.set $to
                          (i32.add
                            (local.get $p)
                            (select
                              (i32.const 2)
                              (i32.const 1)
                              (i32.eq
                                (i32.load8_u offset=1 (local.get $p))
                                (i32.const 0x3d)))))))
                    (if (i32.and
                          (i32.lt_u (local.get $to) (local.get $end))
                          (i32.eq (i32.load8_u (local.get $to)) (i32.const 0x22)))
                      (then
                        (local.set $p (local.get $to))
                        (br $closed)))
                    (local.set $flags (i32.const 0)))
                  (loop $text
                    (br_if $stopped (i32.ge_u (local.get $p) (local.get $end)))
                    ;; Sixteen bytes at a time, up to one that is not plainly part of the string. A byte behind a
                    ;; backslash is escaped: backslashes that are so themselves stop the loop.
                    (loop $block
                      (local.set $bytes (v128.load (local.get $p)))
                      (local.set $escaped
                        (i8x16.eq
                          (v128.load (i32.sub (local.get $p) (i32.const 1)))
                          (i8x16.splat (i32.const 0x5c))))
                      (local.set $stop
                        (v128.or
                          (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20)))
                          (v128.bitselect
                            (call $needsLook (local.get $bytes))
                            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
                            (local.get $escaped))))
                      (if (i32.eqz (v128.any_true (local.get $stop)))
                        (then
                          (local.set $seen (v128.or (local.get $seen) (local.get $escaped)))
                          (local.set $p (i32.add (local.get $p) (i32.const 16)))
                          (br $block))))
                    (local.set $bit (i32.ctz (i8x16.bitmask (local.get $stop))))
                    (local.set $mask (i8x16.bitmask (local.get $escaped)))
                    (if (i32.and
                          (local.get $mask)
                          (i32.sub (i32.shl (i32.const 1) (local.get $bit)) (i32.const 1)))
                      (then (local.set $flags (i32.const 0x10))))
                    (local.set $p (i32.add (local.get $p) (local.get $bit)))
                    (if (i32.ge_u (local.get $p) (local.get $end))
                      (then
                        ;; An escape that is not whole comes again with the next window.
                        (local.set $p
                          (i32.sub
                            (local.get $end)
                            (i32.eq
                              (i32.load8_u (i32.sub (local.get $end) (i32.const 1)))
                              (i32.const 0x5c))))
                        (br $ended)))
                    (if (i32.eqz
                          (i32.and (i32.shr_u (local.get $mask) (local.get $bit)) (i32.const 1)))
                      (then
                        (br_if $closed
                          (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x22)))
                        (br $refused)))
                    (local.set $p (i32.sub (local.get $p) (i32.const 1)))
                    (local.set $flags (i32.const 0x10))
                    ;; One escape, and whatever follows an escaped backslash.
                    (loop $escape
                      (br_if $ended
                        (i32.and
                          (i32.eqz (local.get $isLast))
                          (i32.lt_u (i32.sub (local.get $end) (local.get $p)) (i32.const 6))))
                      (local.set $c (call $escapeAt (local.get $p)))
                      (br_if $refused (i32.eqz (local.get $c)))
                      (local.set $p (i32.add (local.get $p) (local.get $c)))
                      (br_if $stopped (i32.ge_u (local.get $p) (local.get $end)))
                      (br_if $text
                        (i32.ne
                          (i32.load8_u (i32.sub (local.get $p) (i32.const 1)))
                          (i32.const 0x5c)))
                      (local.set $c (i32.load8_u (local.get $p)))
                      (br_if $closed (i32.eq (local.get $c) (i32.const 0x22)))
                      (br_if $escape (i32.eq (local.get $c) (i32.const 0x5c)))
                      (br_if $refused (i32.lt_u (local.get $c) (i32.const 0x20)))
                      (local.set $p (i32.add (local.get $p) (i32.const 1)))
                      (br $text))))
                (if (v128.any_true (local.get $seen))
                  (then
                    (local.set $flags (i32.const 0x10))
                    (local.set $seen (v128.const i64x2 0 0))))
                ;; The entry's kind and start are there since the string began.
                (local.set $p (i32.add (local.get $p) (i32.const 1)))
                (i32.store
                  (local.get $tape)
                  (i32.or (i32.load (local.get $tape)) (local.get $flags)))
                (local.set $tape
                  (call $noted (local.get $tape) (local.get $p) (local.get $depth)))
                (local.set $state
                  (select
                    (i32.const 4)
                    (select (i32.const 5) (i32.const 6) (local.get $depth))
                    (i32.eq (local.get $state) (i32.const 8))))))
            ;; Between two tokens.
            (loop $space
              (br_if $ended (i32.ge_u (local.get $p) (local.get $end)))
              (local.set $c (i32.load8_u (local.get $p)))
              (if (i32.le_u (local.get $c) (i32.const 0x20))
                (then
                  ;; space, tab, line feed, carriage return
                  (br_if $refused
                    (i64.eqz
                      (i64.and
                        (i64.shr_u (i64.const 0x100002600) (i64.extend_i32_u (local.get $c)))
                        (i64.const 1))))
                  (local.set $p (i32.add (local.get $p) (i32.const 1)))
                  (br $space))))
            (br_if $refused (i32.ge_u (local.get $tape) (i32.const 0xcfff0)))
            (block $close
              (block $value
                (block $key
                  (block $after
                    (block $colon
                      (br_table $value $value $key $key $colon $after $refused (local.get $state)))
                    (br_if $refused (i32.ne (local.get $c) (i32.const 0x3a)))
                    (local.set $p (i32.add (local.get $p) (i32.const 1)))
                    (local.set $state (i32.const 0))
                    (br $next))
                  (br_if $close (i32.ne (local.get $c) (i32.const 0x2c))) ;; ,
                  (local.set $p (i32.add (local.get $p) (i32.const 1)))
                  (local.set $state
                    (select
                      (i32.const 3)
                      (i32.const 0)
                      (i32.wrap_i64 (i64.and (global.get $objects) (i64.const 1)))))
                  (br $next))
                (if (i32.eq (local.get $c) (i32.const 0x22))
                  (then
                    (call $note (local.get $tape) (i32.const 8) (local.get $p))
                    (local.set $flags (i32.const 0))
                    (local.set $p (i32.add (local.get $p) (i32.const 1)))
                    (local.set $state (i32.const 8))
                    (br $next)))
                (br_if $refused (i32.ne (local.get $state) (i32.const 2)))
                (br $close))
              (if (i32.eq (local.get $c) (i32.const 0x22))
                (then
                  ;; Whether it is a data URI is seen at its beginning.
                  (br_if $ended
                    (i32.and
                      (i32.eqz (local.get $isLast))
                      (i32.lt_u (i32.sub (local.get $end) (local.get $p)) (i32.const 128))))
                  (call $note (local.get $tape) (i32.const 3) (local.get $p))
                  (local.set $flags (i32.const 0))
                  (local.set $to (call $dataOf (local.get $p)))
                  (if (local.get $to) (then (local.set $flags (i32.const 0x20))))
                  (local.set $p
                    (select
                      (local.get $to)
                      (i32.add (local.get $p) (i32.const 1))
                      (local.get $to)))
                  (local.set $state (i32.const 7))
                  (br $next)))
              ;; { or [
              (if (i32.eq (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x7b))
                (then
                  (local.set $c (i32.eq (local.get $c) (i32.const 0x7b)))
                  (br_if $refused (i32.ge_u (local.get $depth) (i32.const 64)))
                  (call $note
                    (local.get $tape)
                    (i32.sub (i32.const 2) (local.get $c))
                    (local.get $p))
                  (i32.store offset=0x40100
                    (i32.shl (local.get $depth) (i32.const 2))
                    (local.get $tape))
                  (local.set $p (i32.add (local.get $p) (i32.const 1)))
                  (local.set $tape
                    (call $noted (local.get $tape) (local.get $p) (local.get $depth)))
                  (global.set $objects
                    (i64.or
                      (i64.shl (global.get $objects) (i64.const 1))
                      (i64.extend_i32_u (local.get $c))))
                  (local.set $depth (i32.add (local.get $depth) (i32.const 1)))
                  (local.set $state (i32.add (i32.const 1) (local.get $c)))
                  (br $next)))
              (if (i32.eq (local.get $c) (i32.const 0x5d)) ;; ]
                (then
                  (br_if $refused (i32.ne (local.get $state) (i32.const 1)))
                  (br $close)))
              ;; A number or a word; one that is not whole comes again with the next window.
              (local.set $to (call $literal (local.get $p)))
              (if (i32.or
                    (i32.ge_u (local.get $to) (local.get $end))
                    (i32.lt_u (i32.sub (local.get $end) (local.get $p)) (i32.const 6)))
                (then
                  (br_if $ended (i32.eqz (local.get $isLast)))
                  (br_if $refused (i32.ge_u (local.get $to) (local.get $end)))))
              (call $note
                (local.get $tape)
                (call $kindOf (local.get $c))
                (local.get $p))
              (local.set $p (local.get $to))
              (local.set $tape (call $noted (local.get $tape) (local.get $p) (local.get $depth)))
              (local.set $state (select (i32.const 5) (i32.const 6) (local.get $depth)))
              (br $next))
            ;; } or ], the one that its container needs
            (br_if $refused
              (i32.ne
                (local.get $c)
                (select
                  (i32.const 0x7d)
                  (i32.const 0x5d)
                  (i32.wrap_i64 (i64.and (global.get $objects) (i64.const 1))))))
            (global.set $objects (i64.shr_u (global.get $objects) (i64.const 1)))
            (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
            (local.set $p (i32.add (local.get $p) (i32.const 1)))
            (if (i32.le_u (local.get $depth) (i32.const 6))
              (then
                (local.set $to
                  (i32.load offset=0x40100 (i32.shl (local.get $depth) (i32.const 2))))
                (i32.store offset=8
                  (local.get $to)
                  (i32.add (global.get $base) (local.get $p)))
                (i32.store offset=12
                  (local.get $to)
                  (i32.shr_u
                    (i32.sub (local.get $tape) (i32.const 0x50000))
                    (i32.const 4)))))
            (local.set $state (select (i32.const 5) (i32.const 6) (local.get $depth)))
            (br $next)))
        (local.set $p (local.get $end)))
      (if (v128.any_true (local.get $seen)) (then (local.set $flags (i32.const 0x10))))
      (global.set $state (local.get $state))
      (global.set $depth (local.get $depth))
      (global.set $tape (local.get $tape))
      (global.set $flags (local.get $flags))
      (local.set $p (i32.sub (local.get $p) (i32.const 0x10)))
      (global.set $base (i32.add (global.get $base) (local.get $p)))
      (return (local.get $p)))
    (i32.const -1))

  ;; Begins an entry.
  (func $note (param $tape i32) (param $kind i32) (param $p i32)
    (i32.store (local.get $tape) (local.get $kind))
    (i32.store offset=4 (local.get $tape) (i32.add (global.get $base) (local.get $p))))

  ;; Ends an entry, and gives the place of the next one. What lies deep is not kept.
  (func $noted (param $tape i32) (param $p i32) (param $depth i32) (result i32)
    (if (i32.gt_u (local.get $depth) (i32.const 6)) (then (return (local.get $tape))))
    (i32.store offset=8 (local.get $tape) (i32.add (global.get $base) (local.get $p)))
    (local.set $p (i32.add (local.get $tape) (i32.const 16)))
    (i32.store offset=12
      (local.get $tape)
      (i32.shr_u (i32.sub (local.get $p) (i32.const 0x50000)) (i32.const 4)))
    (local.get $p))

  ;; The end of the number or word at $p; so far that it lies behind every window where there is none.
  (func $literal (param $p i32) (result i32)
    (local $c i32)
    (local.set $c (i32.load (local.get $p)))
    (if (i32.or
          (i32.eq (local.get $c) (i32.const 0x65757274)) ;; true
          (i32.eq (local.get $c) (i32.const 0x6c6c756e))) ;; null
      (then (return (i32.add (local.get $p) (i32.const 4)))))
    (if (i32.and
          (i32.eq (local.get $c) (i32.const 0x736c6166)) ;; fals
          (i32.eq (i32.load8_u offset=4 (local.get $p)) (i32.const 0x65)))
      (then (return (i32.add (local.get $p) (i32.const 5)))))
    (call $number (local.get $p)))

  ;; 4 a number, 5 true, 6 false, 7 null
  (func $kindOf (param $c i32) (result i32)
    (if (i32.eq (local.get $c) (i32.const 0x74)) (then (return (i32.const 5))))
    (if (i32.eq (local.get $c) (i32.const 0x66)) (then (return (i32.const 6))))
    (select (i32.const 7) (i32.const 4) (i32.eq (local.get $c) (i32.const 0x6e)))))
