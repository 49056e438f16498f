import Lean

/-!
SHA-256, which statements are compared by. Lean has none of its own.
-/

open Lean

namespace Stp.Checker

def roundConstants : Array UInt32 := #[
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2]

structure Words where
  a : UInt32 := 0x6a09e667
  b : UInt32 := 0xbb67ae85
  c : UInt32 := 0x3c6ef372
  d : UInt32 := 0xa54ff53a
  e : UInt32 := 0x510e527f
  f : UInt32 := 0x9b05688c
  g : UInt32 := 0x1f83d9ab
  h : UInt32 := 0x5be0cd19

def turned (x : UInt32) (by_ : UInt32) : UInt32 := (x >>> by_) ||| (x <<< (32 - by_))

/-- The message schedule: 16 words of the block, then 48 made of them. -/
partial def schedule (bytes : ByteArray) (start : Nat) (words : Array UInt32) : Array UInt32 :=
  let i := words.size
  if i == 64 then words
  else if i < 16 then
    let byte (n : Nat) : UInt32 := (bytes.get! (start + 4 * i + n)).toUInt32
    schedule bytes start (words.push ((byte 0 <<< 24) ||| (byte 1 <<< 16) ||| (byte 2 <<< 8) ||| byte 3))
  else
    let x := words[i - 15]!
    let y := words[i - 2]!
    let s0 := turned x 7 ^^^ turned x 18 ^^^ (x >>> 3)
    let s1 := turned y 17 ^^^ turned y 19 ^^^ (y >>> 10)
    schedule bytes start (words.push (words[i - 16]! + s0 + words[i - 7]! + s1))

partial def compress (schedule : Array UInt32) (i : Nat) (w : Words) : Words :=
  if i == 64 then w
  else
    let s1 := turned w.e 6 ^^^ turned w.e 11 ^^^ turned w.e 25
    let choice := (w.e &&& w.f) ^^^ ((~~~w.e) &&& w.g)
    let t1 := w.h + s1 + choice + roundConstants[i]! + schedule[i]!
    let s0 := turned w.a 2 ^^^ turned w.a 13 ^^^ turned w.a 22
    let majority := (w.a &&& w.b) ^^^ (w.a &&& w.c) ^^^ (w.b &&& w.c)
    compress schedule (i + 1)
      { a := t1 + s0 + majority, b := w.a, c := w.b, d := w.c, e := w.d + t1, f := w.e, g := w.f, h := w.g }

partial def digest (bytes : ByteArray) (start : Nat) (w : Words) : Words :=
  if start + 64 > bytes.size then w
  else
    let n := compress (schedule bytes start #[]) 0 w
    digest bytes (start + 64) {
      a := w.a + n.a, b := w.b + n.b, c := w.c + n.c, d := w.d + n.d
      e := w.e + n.e, f := w.f + n.f, g := w.g + n.g, h := w.h + n.h }

partial def padded (bytes : ByteArray) : ByteArray :=
  if bytes.size % 64 == 56 then bytes else padded (bytes.push 0)

def hexDigits (word : UInt32) : String := Id.run do
  let mut text := ""
  for shift in [28, 24, 20, 16, 12, 8, 4, 0] do
    text := text.push (Nat.digitChar ((word.toNat >>> shift) % 16))
  return text

def sha256 (text : String) : String := Id.run do
  let bytes := text.toUTF8
  let bits := bytes.size * 8
  let mut block := padded (bytes.push 0x80)
  for shift in [56, 48, 40, 32, 24, 16, 8, 0] do
    block := block.push ((bits >>> shift) % 256).toUInt8
  let w := digest block 0 {}
  let mut hex := ""
  for word in [w.a, w.b, w.c, w.d, w.e, w.f, w.g, w.h] do
    hex := hex ++ hexDigits word
  return hex

end Stp.Checker
