import Stp.Checker.Declarations

/-!
The axioms below a theorem, collected by a walk of its own.
-/

open Lean

namespace Stp.Checker

/-- By name, not by what is printed: `«Quot.sound»` is another name. -/
def standardAxioms : List Name := [`propext, `Quot.sound, `Classical.choice]

/-- Axioms of the library that are no theorems without their proof. -/
def otherAxioms : List Name := [
  `sorryAx, `lcProof, `lcUnreachable, `lcAny, `Lean.ofReduceBool, `Lean.ofReduceNat, `Lean.trustCompiler]

/-- What a constant mentions in its declaration. -/
def mentions (env : Kernel.Environment) (info : ConstantInfo) : List Name := Id.run do
  let mut found := info.type.getUsedConstants
  match info with
  | .defnInfo it => for name in it.value.getUsedConstants.toList do found := found.push name
  | .thmInfo it => for name in it.value.getUsedConstants.toList do found := found.push name
  | .opaqueInfo it => for name in it.value.getUsedConstants.toList do found := found.push name
  | .ctorInfo it => found := found.push it.induct
  | .recInfo it => for name in it.all do found := found.push name
  | .inductInfo it =>
    for name in it.all do
      found := found.push name
      if let some (.inductInfo type) := env.find? name then
        for name in type.ctors do
          if let some constructor := env.find? name then
            for name in constructor.type.getUsedConstants.toList do
              found := found.push name
  | _ => pure ()
  return found.toList

/-- Whether a constant of this name is an axiom, not a theorem of a library without proofs. -/
def isAxiom (proofless : Bool) (reading : Reading) (info : ConstantInfo) : Bool :=
  match info with
  | .axiomInfo _ =>
    !proofless || reading.own.contains info.name || (reading.base.constants.map₁.contains info.name == false)
      || standardAxioms.contains info.name || otherAxioms.contains info.name
  | _ => false

/-- Walks from the constants on the stack; what is known to rest on no axiom need not be walked again. -/
partial def walk (proofless : Bool) (reading : Reading) (clean : NameMap Unit) (stack : List Name)
    (visited : NameMap Unit) (axioms : Array Name) : NameMap Unit × Array Name := Id.run do
  match stack with
  | [] => return (visited, axioms)
  | name :: rest =>
    if visited.contains name || clean.contains name then
      return walk proofless reading clean rest visited axioms
    let visited := visited.insert name ()
    match reading.env.find? name with
    | none => return walk proofless reading clean rest visited axioms
    | some info =>
      let axioms := if isAxiom proofless reading info then axioms.push name else axioms
      let mut stack := rest
      for mentioned in mentions reading.env info do
        if !visited.contains mentioned then
          stack := mentioned :: stack
      return walk proofless reading clean stack visited axioms

/-- What is remembered of a header's environment: constants that rest on no axiom at all. -/
structure Memory where
  clean : NameMap Unit := {}
  problem : Option String := none

/-- The axioms below a constant, and the constants of the export below it. -/
def axiomsOf (proofless : Bool) (reading : Reading) (memory : IO.Ref Memory) (root : Name) :
    IO (List Name × List String) := do
  let clean := (← memory.get).clean
  let (visited, axioms) := walk proofless reading clean [root] {} #[]
  if axioms.size == 0 then
    let mut grown := clean
    for (name, _) in visited.toList do
      if (reading.base.find? name).isSome then
        grown := grown.insert name ()
    memory.set { ← memory.get with clean := grown }
  let mut uses := #[]
  for (name, _) in visited.toList do
    if reading.own.contains name && name != root then
      uses := uses.push (nameText name)
  return (axioms.toList, uses.toList)

/-- Names as they are printed, in order. -/
def sortedTexts (names : List Name) : List String := Id.run do
  let mut result := []
  for name in names do
    result := insert (nameText name) result
  return result
where
  insert (word : String) : List String → List String
    | [] => [word]
    | first :: rest => if first < word then first :: insert word rest else word :: first :: rest

end Stp.Checker
