import Stp.Checker.Declarations

/-!
The library's theorems that a proof uses: those that its text names, and others.
-/

open Lean

namespace Stp.Checker

/-- Beginnings of names that say nothing of an idea. -/
def plumbing : List String := [
  "Lean", "Std.Tactic", "Classical.choice", "propext", "Quot.sound", "Eq.", "HEq.", "Iff.", "congr", "eq_self", "of_eq",
  "eq_true", "eq_false", "absurd", "False.", "True.", "And.", "Or.", "Not.", "implies_", "forall_", "ne_", "not_false",
  "trivial"]

def isPlumbing (name : Name) (text : String) : Bool := Id.run do
  if name.isInternalDetail || isPrivateName name || text == "id" || text == "rfl" then
    return true
  for start in plumbing do
    if text.startsWith start then
      return true
  for ending in [".injEq", ".sizeOf_spec", ".noConfusion", ".brecOn", ".casesOn", ".recOn", ".rec", ".below", ".inj"] do
    if text.endsWith ending then
      return true
  return false

/-- The identifiers of a proof, without those in its comments' way: a word too many does no harm. -/
def wordsOf (proof : String) : List String := Id.run do
  let mut words := #[]
  let mut word := ""
  for letter in proof.toList do
    if letter.isAlphanum || letter == '_' || letter == '\'' || letter == '.' || letter == '!' || letter == '?'
        || (letter.toNat > 127 && letter != '⟨' && letter != '⟩' && letter != '·' && letter != '←' && letter != '→') then
      word := word.push letter
    else if word != "" then
      words := words.push word
      word := ""
  return (if word == "" then words else words.push word).toList

/-- In full, within an opened namespace, or by dot notation. -/
def isNamed (name : Name) (text : String) (words : List String) : Bool := Id.run do
  let last := match name with
    | .str _ part => part
    | _ => text
  for word in words do
    if word == text || text.endsWith s!".{word}" || text.endsWith word && word.startsWith "." || word == s!"_root_.{text}"
        || word.endsWith s!".{last}" then
      return true
  return false

/-- The library's theorems in a proof: those that its text names, and those that only its term shows. -/
def premises (proofless : Bool) (reading : Reading) (root : Name) (proof : String) : List String × List String := Id.run do
  let words := wordsOf proof
  let mut named := #[]
  let mut implicit := #[]
  for (name, _) in (used [root] {} {}).toList do
    let text := nameText name
    let isTheorem := match reading.base.find? name with
      | some (.thmInfo _) => true
      | some (.axiomInfo _) => proofless
      | _ => false
    if isTheorem && !isPlumbing name text then
      if isNamed name text words then
        named := named.push text
      else
        implicit := implicit.push text
  return (named.toList, implicit.toList)
where
  /-- What the proof and its own auxiliaries mention of the library. -/
  used (stack : List Name) (visited found : NameMap Unit) : NameMap Unit := usedFrom stack visited found
  usedFrom (stack : List Name) (visited found : NameMap Unit) : NameMap Unit := Id.run do
    let mut found := found
    let mut visited := visited
    let mut waiting := stack
    for _ in List.range 10000 do
      match waiting with
      | [] => return found
      | name :: rest =>
        waiting := rest
        if !visited.contains name then
          visited := visited.insert name ()
          if let some info := reading.env.find? name then
            let mentioned := match info with
              | .thmInfo it => it.value.getUsedConstants
              | .defnInfo it => it.value.getUsedConstants
              | _ => #[]
            for name in mentioned.toList do
              if reading.own.contains name then
                waiting := name :: waiting
              else
                found := found.insert name ()
    return found

end Stp.Checker
