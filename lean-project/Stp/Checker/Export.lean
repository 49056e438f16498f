import Stp.Frontend

/-!
Lean's export format 3.1, read with bounds checks: names, levels and expressions. Whoever wrote the data may lie.
-/

open Lean

namespace Stp.Checker

/-- What the data may be at most: what is over it is refused before Lean's own limits are met. -/
def mostBound : Nat := 1000000
def mostDigits : Nat := 100000
def mostRows : Nat := 4000000

structure Reading where
  /-- The environment that no candidate has touched. -/
  base : Kernel.Environment
  /-- The same with what the kernel accepted of the export. -/
  env : Kernel.Environment
  heartbeats : Nat
  names : Array Name := #[.anonymous]
  levels : Array Level := #[.zero]
  exprs : Array Expr := #[]
  /-- What was accepted, and the group that each of it belongs to. -/
  own : NameMap Name := {}
  /-- What was not, with the reason. -/
  bad : NameMap String := {}

abbrev M := StateRefT Reading IO

def malformed {α : Type} (what : String) : M α := throw (IO.userError s!"the export is malformed: {what}")

def field (record : Json) (key : String) : M Json :=
  match record.getObjVal? key with
  | .ok value => pure value
  | .error _ => malformed s!"{key} is missing"

def naturalOf (value : Json) : M Nat :=
  match value with
  | .num n => if n.exponent == 0 && n.mantissa ≥ 0 then pure n.mantissa.toNat else malformed "a number is no natural one"
  | _ => malformed "a number is expected"

def naturalAt (record : Json) (key : String) : M Nat := do naturalOf (← field record key)

def textAt (record : Json) (key : String) : M String := do
  match ← field record key with
  | .str value => pure value
  | _ => malformed s!"{key} is no text"

def truthAt (record : Json) (key : String) : M Bool := do
  match ← field record key with
  | .bool value => pure value
  | _ => malformed s!"{key} is neither true nor false"

def itemsAt (record : Json) (key : String) : M (List Json) := do
  match ← field record key with
  | .arr items => pure items.toList
  | _ => malformed s!"{key} is no list"

def nameNumbered (number : Nat) : M Name := do
  match (← get).names[number]? with
  | some name => pure name
  | none => malformed s!"there is no name {number} yet"

def levelNumbered (number : Nat) : M Level := do
  match (← get).levels[number]? with
  | some level => pure level
  | none => malformed s!"there is no level {number} yet"

def exprNumbered (number : Nat) : M Expr := do
  match (← get).exprs[number]? with
  | some e => pure e
  | none => malformed s!"there is no expression {number} yet"

def nameAt (record : Json) (key : String) : M Name := do nameNumbered (← naturalAt record key)
def exprAt (record : Json) (key : String) : M Expr := do exprNumbered (← naturalAt record key)

def namesAt (record : Json) (key : String) : M (List Name) := do
  let mut found := #[]
  for item in ← itemsAt record key do
    found := found.push (← nameNumbered (← naturalOf item))
  return found.toList

def bounded (n : Nat) : M Nat := if n < mostBound then pure n else malformed s!"{n} is too large"

def readName (row : Json) (number : Nat) : M Unit := do
  if number != (← get).names.size then
    malformed s!"name {number} is out of order"
  let name ← if has row "str" then do
      let given ← field row "str"
      pure (Name.str (← nameAt given "pre") (← textAt given "str"))
    else do
      let given ← field row "num"
      pure (Name.num (← nameAt given "pre") (← naturalAt given "i"))
  modify fun s => { s with names := s.names.push name }

def pairAt (row : Json) (key : String) : M (Level × Level) := do
  match ← itemsAt row key with
  | [a, b] => return (← levelNumbered (← naturalOf a), ← levelNumbered (← naturalOf b))
  | _ => malformed s!"{key} is no pair"

def readLevel (row : Json) (number : Nat) : M Unit := do
  if number != (← get).levels.size then
    malformed s!"level {number} is out of order"
  let level ← if has row "succ" then do
      pure (Level.succ (← levelNumbered (← naturalAt row "succ")))
    else if has row "max" then do
      let (a, b) ← pairAt row "max"
      pure (Level.max a b)
    else if has row "imax" then do
      let (a, b) ← pairAt row "imax"
      pure (Level.imax a b)
    else do
      pure (Level.param (← nameAt row "param"))
  if level.depth > 10000 then
    malformed "a level is too deep"
  modify fun s => { s with levels := s.levels.push level }

def binderAt (record : Json) : M BinderInfo := do
  match ← textAt record "binderInfo" with
  | "default" => pure .default
  | "implicit" => pure .implicit
  | "strictImplicit" => pure .strictImplicit
  | "instImplicit" => pure .instImplicit
  | other => malformed s!"{other} is no kind of binder"

def readExpr (row : Json) (number : Nat) : M Unit := do
  if number != (← get).exprs.size then
    malformed s!"expression {number} is out of order"
  let e ← if has row "app" then do
      let given ← field row "app"
      pure (Expr.app (← exprAt given "fn") (← exprAt given "arg"))
    else if has row "const" then do
      let given ← field row "const"
      let mut levels := #[]
      for item in ← itemsAt given "us" do
        levels := levels.push (← levelNumbered (← naturalOf item))
      pure (Expr.const (← nameAt given "name") levels.toList)
    else if has row "bvar" then do
      pure (Expr.bvar (← bounded (← naturalAt row "bvar")))
    else if has row "lam" then do
      let given ← field row "lam"
      pure (Expr.lam (← nameAt given "name") (← exprAt given "type") (← exprAt given "body") (← binderAt given))
    else if has row "forallE" then do
      let given ← field row "forallE"
      pure (Expr.forallE (← nameAt given "name") (← exprAt given "type") (← exprAt given "body") (← binderAt given))
    else if has row "letE" then do
      let given ← field row "letE"
      pure (Expr.letE (← nameAt given "name") (← exprAt given "type") (← exprAt given "value")
        (← exprAt given "body") (← truthAt given "nondep"))
    else if has row "sort" then do
      pure (Expr.sort (← levelNumbered (← naturalAt row "sort")))
    else if has row "proj" then do
      let given ← field row "proj"
      pure (Expr.proj (← nameAt given "typeName") (← bounded (← naturalAt given "idx")) (← exprAt given "struct"))
    else if has row "natVal" then do
      let digits ← textAt row "natVal"
      if digits.utf8ByteSize > mostDigits then
        malformed "a numeral is too long"
      match digits.toNat? with
      | some value => pure (Expr.lit (.natVal value))
      | none => malformed "a numeral is no natural number"
    else if has row "strVal" then do
      pure (Expr.lit (.strVal (← textAt row "strVal")))
    else do
      exprAt (← field row "mdata") "expr"
  modify fun s => { s with exprs := s.exprs.push e }

end Stp.Checker
