import Stp.Frontend

/-!
The checker: decides which theorems are proved, and never runs a candidate's text. It reads declarations in Lean's
export format 3.1, gives each to the kernel on top of an environment that no candidate has touched, compares the
theorem with the statement asked for, and collects the axioms below it by a walk of its own.

    lake env lean --run Checker.lean ANSWERS HEARTBEATS
-/

open Lean

namespace Stp.Checker

/-! ### SHA-256 -/

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

/-! ### Reading an export -/

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

/-! ### Declarations -/

/-- The kernel asks the compiler for these, which must not run in this process. -/
def compiled : List Name := [`Lean.reduceBool, `Lean.reduceNat]

def kernelReason : Kernel.Exception → String
  | .unknownConstant _ name => s!"unknown constant {nameText name}"
  | .alreadyDeclared _ name => s!"{nameText name} is declared already"
  | .declTypeMismatch .. => "declaration type mismatch"
  | .declHasMVars .. => "declaration has metavariables"
  | .declHasFVars .. => "declaration has free variables"
  | .funExpected .. => "function expected"
  | .typeExpected .. => "type expected"
  | .letTypeMismatch .. => "let type mismatch"
  | .exprTypeMismatch .. => "type mismatch"
  | .appTypeMismatch .. => "application type mismatch"
  | .invalidProj .. => "invalid projection"
  | .thmTypeIsNotProp .. => "the type of a theorem must be a proposition"
  | .other reason => reason
  | .deterministicTimeout => "deterministic timeout"
  | .excessiveMemory => "excessive memory"
  | .deepRecursion => "deep recursion"
  | .interrupted => "interrupted"

def options (heartbeats : Nat) : Options := KVMap.setNat {} `maxHeartbeats heartbeats

/-- Why a declaration with these parts is not even shown to the kernel. -/
def obstacle (parts : List Expr) (within : List Name) : M (Option String) := do
  let state ← get
  for part in parts do
    if part.hasLooseBVars || part.hasFVar || part.hasMVar then
      return some "the declaration has open ends"
    for name in part.getUsedConstants.toList do
      if compiled.contains name then
        return some s!"it uses {nameText name}, which runs compiled code"
      if state.bad.contains name then
        return some s!"depends on `{nameText (userName name)}`, which failed"
      if (state.env.find? name).isNone && !within.contains name then
        return some s!"unknown constant {nameText name}"
  return none

def firstOf {α : Type} (items : List α) (otherwise : α) : α :=
  match items with
  | first :: _ => first
  | [] => otherwise

/-- Gives a declaration of some names to the kernel, unless the clean environment has them. -/
def add (names : List Name) (parts : List Expr) (isSafe : Bool) (declaration : Declaration) : M Unit := do
  let state ← get
  let group := firstOf names .anonymous
  let mut known := 0
  for name in names do
    if (state.base.find? name).isSome then
      known := known + 1
    else if (state.env.find? name).isSome || state.bad.contains name then
      malformed s!"{nameText name} is declared twice"
  -- Its own version counts: nothing of the export takes the place of what was there before.
  if known > 0 then
    return
  let refuse (reason : String) : M Unit := do
    for name in names do
      modify fun s => { s with bad := s.bad.insert name reason }
  if !isSafe then
    return ← refuse "it is unsafe or partial"
  if let some reason ← obstacle parts names then
    return ← refuse reason
  match state.env.addDecl (options state.heartbeats) declaration with
  | .error reason => refuse s!"(kernel) {nameText (userName group)}: {kernelReason reason}"
  | .ok env =>
    modify fun s => { s with env }
    for name in names do
      modify fun s => { s with own := s.own.insert name group }

def hintsAt (record : Json) : M ReducibilityHints := do
  match ← field record "hints" with
  | .str "opaque" => pure .opaque
  | .str "abbrev" => pure .abbrev
  | hints => pure (.regular (← naturalAt hints "regular").toUInt32)

def readInductive (record : Json) : M Unit := do
  let mut types := #[]
  let mut names := #[]
  let mut parts := #[]
  let mut isSafe := true
  let mut levelParams := []
  let mut numParams := 0
  let mut constructors : NameMap Expr := {}
  for it in ← itemsAt record "ctors" do
    constructors := constructors.insert (← nameAt it "name") (← exprAt it "type")
    if ← truthAt it "isUnsafe" then
      isSafe := false
  for it in ← itemsAt record "types" do
    let name ← nameAt it "name"
    let type ← exprAt it "type"
    levelParams ← namesAt it "levelParams"
    numParams ← naturalAt it "numParams"
    if ← truthAt it "isUnsafe" then
      isSafe := false
    names := names.push name
    parts := parts.push type
    let mut ctors := #[]
    for name in ← namesAt it "ctors" do
      match constructors.get? name with
      | some type =>
        ctors := ctors.push { name, type : Constructor }
        names := names.push name
        parts := parts.push type
      | none => malformed s!"the constructor {nameText name} is missing"
    types := types.push { name, type, ctors := ctors.toList : InductiveType }
  if types.size == 0 then
    malformed "an inductive declaration has no type"
  add names.toList parts.toList isSafe (.inductDecl levelParams numParams types.toList false)
  ownRecursors (firstOf names.toList .anonymous)
where
  /-- The kernel makes the recursors, whatever the export says of them. They belong to the declaration as well. -/
  ownRecursors (group : Name) : M Unit := do
    let state ← get
    if state.own.contains group then
      if let some (.inductInfo first) := state.env.find? group then
        let mut made := #[]
        for type in first.all do
          made := made.push (Name.str type "rec")
        for number in List.range first.numNested do
          made := made.push (Name.str group s!"rec_{number + 1}")
        for name in made.toList do
          modify fun s => { s with own := s.own.insert name group }

/-- Reads a declaration; `false` if the row is none. -/
def readDeclaration (row : Json) : M Bool := do
  if has row "inductive" then
    readInductive (← field row "inductive")
    return true
  if has row "axiom" then
    let it ← field row "axiom"
    let (name, type) := (← nameAt it "name", ← exprAt it "type")
    let value := { name, levelParams := ← namesAt it "levelParams", type, isUnsafe := false : AxiomVal }
    add [name] [type] (not (← truthAt it "isUnsafe")) (.axiomDecl value)
    return true
  if has row "thm" then
    let it ← field row "thm"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let theorem_ := { name, levelParams := ← namesAt it "levelParams", type, value, all := [name] : TheoremVal }
    add [name] [type, value] true (.thmDecl theorem_)
    return true
  if has row "def" then
    let it ← field row "def"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let definition := {
      name, levelParams := ← namesAt it "levelParams", type, value, hints := ← hintsAt it, safety := .safe
      all := [name] : DefinitionVal }
    add [name] [type, value] ((← textAt it "safety") == "safe") (.defnDecl definition)
    return true
  if has row "opaque" then
    let it ← field row "opaque"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let constant := {
      name, levelParams := ← namesAt it "levelParams", type, value, isUnsafe := false, all := [name] : OpaqueVal }
    add [name] [type, value] (not (← truthAt it "isUnsafe")) (.opaqueDecl constant)
    return true
  return false

def readRow (line : String) : M Unit := do
  match Json.parse line with
  | .error _ => malformed "a row is no JSON"
  | .ok row =>
    if has row "ie" then readExpr row (← naturalAt row "ie")
    else if has row "in" then readName row (← naturalAt row "in")
    else if has row "il" then readLevel row (← naturalAt row "il")
    else if !(← readDeclaration row) then
      malformed "a row is of no known kind"

def readMeta (line : String) : M Unit := do
  match Json.parse line with
  | .error _ => malformed "the first row is no JSON"
  | .ok row =>
    let version ← textAt (← field (← field row "meta") "format") "version"
    unless version.startsWith "3.1." do
      malformed s!"its format is {version}, not 3.1"

/-- Reads an export on top of an environment. -/
def readExport (base : Kernel.Environment) (heartbeats : Nat) (data : String) : IO Reading := do
  let read : M Unit := do
    match data.splitOn "\n" with
    | [] => malformed "it is empty"
    | first :: rows =>
      readMeta first
      let mut count := 0
      for row in rows do
        count := count + 1
        if count > mostRows then
          malformed "it has too many rows"
        if row != "" then
          readRow row
  let ((), reading) ← read.run { base, env := base, heartbeats }
  return reading

/-! ### Statements

Two statements are the same if their types are, up to bound names, binder kinds and metadata. Constants that the clean
environment has are compared by name. All others are numbered in the order in which they are met, and their
declarations are part of the text that is compared: they may be called differently, but two that are two here must be
two there. -/

structure Canon where
  reading : Reading
  /-- What was met: groups of inductive types, and other constants. -/
  met : Array Name := #[]
  numbers : NameMap Nat := {}
  /-- The nodes of the expression under way, each once. -/
  nodes : Std.TreeMap String Nat := {}
  known : Numbers := {}
  texts : Array String := #[]

abbrev C := StateRefT Canon IO

def exactName : Name → String
  | .anonymous => ""
  | .str rest part => s!"{exactName rest}.{(Json.str part).compress}"
  | .num rest part => s!"{exactName rest}.{part}"

/-- A place in a list, or its length. -/
def placeIn (name : Name) : List Name → Nat
  | [] => 0
  | first :: rest => if first == name then 0 else placeIn name rest + 1

def levelText (params : List Name) : Level → String
  | .zero => "0"
  | .succ l => s!"s{levelText params l}"
  | .max a b => s!"m({levelText params a},{levelText params b})"
  | .imax a b => s!"i({levelText params a},{levelText params b})"
  | .param name => s!"p{placeIn name params}"
  | .mvar _ => "?"

/-- The group of a constant of the export and its place there. -/
def memberOf (reading : Reading) (name : Name) : Option (Name × String) :=
  match reading.own.get? name with
  | none => none
  | some group =>
    match reading.env.find? group with
    | some (.inductInfo first) => Id.run do
      let mut index := 0
      for type in first.all do
        if type == name then
          return some (group, s!"t{index}")
        if let some (.inductInfo type) := reading.env.find? type then
          let place := placeIn name type.ctors
          if type.ctors.contains name then
            return some (group, s!"t{index}c{place}")
        index := index + 1
      -- A recursor: its last part says which.
      return some (group, match name with
        | .str type part => s!"t{placeIn type first.all}{part}"
        | _ => "?")
    | _ => some (group, "")

def constantText (name : Name) : C String := do
  match memberOf (← get).reading name with
  | none => return s!"c{exactName name}"
  | some (group, place) =>
    let number ← match (← get).numbers.get? group with
      | some number => pure number
      | none => do
        let number := (← get).met.size
        modify fun s => { s with numbers := s.numbers.insert group number, met := s.met.push group }
        pure number
    return s!"o{number}{place}"

partial def node (params : List Name) (e : Expr) : C Nat := do
  if let some number := (← get).known.find? e then
    return number
  let go := node params
  let written ← match e with
    | .mdata _ inner => return ← go inner
    | .bvar index => pure s!"b{index}"
    | .sort level => pure s!"S{levelText params level}"
    | .const name levels => do
      let mut written := ← constantText name
      for level in levels do
        written := s!"{written};{levelText params level}"
      pure written
    | .app f a => do pure s!"a{← go f} {← go a}"
    | .lam _ type body _ => do pure s!"l{← go type} {← go body}"
    | .forallE _ type body _ => do pure s!"f{← go type} {← go body}"
    | .letE _ type value body _ => do pure s!"t{← go type} {← go value} {← go body}"
    | .lit (.natVal value) => pure s!"n{value}"
    | .lit (.strVal value) => pure s!"L{value}"
    | .proj name index value => do pure s!"p{← constantText name}.{index} {← go value}"
    | .fvar _ | .mvar _ => throw (IO.userError "the statement has an open end")
  let number ← match (← get).nodes.get? written with
    | some number => pure number
    | none => do
      let number := (← get).nodes.size
      modify fun s => { s with
        nodes := s.nodes.insert written number
        texts := s.texts.push s!"{written.utf8ByteSize}:{written}" }
      pure number
  modify fun s => { s with known := s.known.insert e number }
  return number

/-- Adds the nodes of an expression that stands for itself. -/
def section_ (title : String) (params : List Name) (e : Expr) : C Unit := do
  modify fun s => { s with nodes := {}, known := {}, texts := s.texts.push s!"\n{title} " }
  discard <| node params e

def declarationText (number : Nat) (name : Name) : C Unit := do
  let reading := (← get).reading
  let title (kind : String) (info : ConstantInfo) : String := s!"{number} {kind} {countOf info.levelParams}"
  match reading.env.find? name with
  | some (.inductInfo first) =>
    for name in first.all do
      if let some (.inductInfo type) := reading.env.find? name then
        section_ s!"{title "type" (.inductInfo type)} {type.numParams}" type.levelParams type.type
        for name in type.ctors do
          if let some (.ctorInfo it) := reading.env.find? name then
            section_ s!"{title "constructor" (.ctorInfo it)}" it.levelParams it.type
  | some info =>
    let kind := match info with
      | .axiomInfo _ => "axiom"
      | .thmInfo _ => "theorem"
      | .opaqueInfo _ => "opaque"
      | _ => "definition"
    section_ (title kind info) info.levelParams info.type
    -- Two proofs of one statement are the same.
    match info with
    | .defnInfo it => section_ "value" it.levelParams it.value
    | .opaqueInfo it => section_ "value" it.levelParams it.value
    | _ => pure ()
  | none => pure ()

partial def declarationTexts (number : Nat) : C Unit := do
  if let some name := (← get).met[number]? then
    declarationText number name
    declarationTexts (number + 1)

/-- A hash of a statement and of all that it needs beyond the clean environment. -/
def fingerprint (reading : Reading) (info : ConstantInfo) : IO String := do
  let write : C Unit := do
    section_ s!"statement {countOf info.levelParams}" info.levelParams info.type
    declarationTexts 0
  let ((), canon) ← write.run { reading }
  return sha256 (String.join canon.texts.toList)

/-! ### Axioms -/

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

/-! ### Premises -/

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

/-! ### The library -/

/-- Whether a text is a name and nothing else, so that no code stands in it. -/
def isName (text : String) : Bool := Id.run do
  for letter in text.toList do
    unless letter.isAlphanum || ['_', '\'', '.', '!', '?'].contains letter || isLetterLike letter || isSubScriptAlnum letter do
      return false
  return text != ""

/-- Binders and type of a constant, as `#check` prints them. -/
def signatureOf (session : Stp.Session) (name : String) : IO Json := do
  if !isName name then
    return .null
  let header ← headerOf session ""
  let ran ← elaborateText s!"#check {name}" header.state
  for message in ran.messages.toList do
    if message.severity matches .information then
      let said := " ".intercalate ((← message.data.toString).splitOn "\n")
      let mut words := #[]
      for word in said.splitOn " " do
        if word != "" then
          words := words.push word
      match words.toList with
      | _ :: rest => return .str (" ".intercalate rest)
      | [] => return .null
  return .null

def signaturesAnswer (session : Stp.Session) (request : Json) : IO Fields := do
  let mut found := #[]
  for name in texts request "names" do
    found := found.push (← signatureOf session name)
  return [("signatures", .arr found)]

/-- Names that their author chose: not private, and none that Lean itself makes. -/
def isPublic (name : Name) : Bool := !name.isInternalDetail && !isPrivateName name

def theoremsAnswer (session : Stp.Session) : IO Fields := do
  let header ← headerOf session ""
  let mut found : Std.TreeMap String Unit := {}
  for module in header.imported.env.header.moduleData.toList do
    for info in module.constants.toList do
      let isTheorem := match info with
        | .thmInfo _ => true
        | .axiomInfo _ => session.settings.proofless
        | _ => false
      if isTheorem && isPublic info.name then
        found := found.insert (nameText info.name) ()
  let mut sorted := #[]
  for (name, _) in found.toList do
    sorted := sorted.push name
  return [("theorems", strings sorted.toList)]

/-! ### Answers -/

/-- What a kernel takes the meaning of from the name alone: an environment without them is not to be judged in. -/
def needed : List Name := [
  `Nat, `Nat.succ, `Nat.add, `Nat.sub, `Nat.mul, `Nat.div, `Nat.mod, `Nat.gcd, `Nat.beq, `Nat.ble, `Nat.land, `Nat.lor,
  `Nat.xor, `Nat.shiftLeft, `Nat.shiftRight, `Nat.pow, `Nat.log2, `Bool.true, `Bool.false, `List.nil, `List.cons, `Char.ofNat,
  `String, `String.ofList, `Eq, `Quot, `Quot.mk, `Quot.lift, `Quot.ind, `propext, `Quot.sound, `Classical.choice, `sorryAx,
  `Lean.reduceBool, `Lean.reduceNat, `Lean.ofReduceBool, `Lean.ofReduceNat]

structure Session where
  session : Stp.Session
  memories : IO.Ref (List (String × IO.Ref Memory))

/-- The clean environment of a request, or why it has none. -/
structure Base where
  env : Kernel.Environment
  /-- What the imports alone declare. -/
  imported : Kernel.Environment
  memory : IO.Ref Memory
  errors : List String

def lacking (env : Kernel.Environment) : Option String := Id.run do
  for name in needed do
    if (env.find? name).isNone then
      return some s!"{nameText name} is missing: the imports must hold all of Init"
  return none

def baseOf (session : Session) (request : Json) : IO Base := do
  let source := if has request "imports" then text request "imports" else text request "header"
  let header ← headerOf session.session source
  let env := header.state.env.toKernelEnv
  let memory ← kept session.memories source do IO.mkRef { problem := lacking env }
  let mut errors := header.errors
  if let some problem := (← memory.get).problem then
    if errors matches [] then
      errors := [problem]
  if has request "imports" && !isBlank (← split source).rest then
    errors := ["the imports hold more than imports"]
  return { env, imported := header.imported.env.toKernelEnv, memory, errors }

def verdictFields (name status : String) (messages : List String) (fingerprint : Json) (axioms : List String := [])
    (uses : List String := []) (named : List String := []) (implicit : List String := []) : Json :=
  Json.mkObj [
    ("uses", strings uses),
    ("name", .str name), ("status", .str status), ("messages", strings messages), ("axioms", strings axioms),
    ("premises", strings named), ("implicit_premises", strings implicit), ("fingerprint", fingerprint)]

/-- The constant of the export that a root names, and whether it was refused. -/
def rootOf (reading : Reading) (root : String) : Option Name × Option String := Id.run do
  let mut found := none
  for (name, _) in reading.own.toList do
    if nameText name == root then
      if found.isSome then
        return (none, some s!"two declarations are printed as {root}")
      found := some name
  if found.isSome then
    return (found, none)
  for (name, reason) in reading.bad.toList do
    if nameText name == root then
      return (none, some reason)
  return (none, none)

/-- Whether the kernel takes a constant for the proof of a proposition. -/
def isProof (reading : Reading) (info : ConstantInfo) : Bool :=
  match info with
  | .thmInfo _ => true
  | .defnInfo _ | .opaqueInfo _ => Id.run do
    let mut levels := #[]
    for name in info.levelParams do
      levels := levels.push (Level.param name)
    let name := .str info.name "stp_proof"
    let copy := {
      name, levelParams := info.levelParams, type := info.type, value := .const info.name levels.toList
      all := [name] : TheoremVal }
    match reading.env.addDecl (options reading.heartbeats) (.thmDecl copy) with
    | .ok _ => return true
    | .error _ => return false
  | _ => false

/-- What tells a statement from others: its hash and the number of its universes. -/
def referenceText (hash : String) (info : ConstantInfo) : String := s!"{hash} {countOf info.levelParams}"

/-- The constants that are waiting, and all below them, which the imports do not declare. -/
partial def belowFrom (imported env : Kernel.Environment) (waiting : List Name) (found : NameMap Unit) : NameMap Unit := Id.run do
  match waiting with
  | [] => return found
  | name :: rest =>
    if found.contains name || (imported.find? name).isSome then
      return belowFrom imported env rest found
    let mut waiting := rest
    if let some info := env.find? name then
      for name in mentions env info do
        waiting := name :: waiting
    return belowFrom imported env waiting (found.insert name ())

/-- What a theorem claims. Constants that the imports lack count by their content, whoever declared them. -/
def claim (imported : Kernel.Environment) (reading : Reading) (info : ConstantInfo) : IO String := do
  let mut own : NameMap Name := {}
  for name in (below info.type.getUsedConstants.toList {}).toList do
    let group := match reading.env.find? name.1 with
      | some (.inductInfo it) => firstOf it.all name.1
      | some (.ctorInfo it) => it.induct
      | _ => name.1
    own := own.insert name.1 group
  fingerprint { reading with base := imported, own } info
where
  /-- The constants below a statement that the imports do not declare. -/
  below (waiting : List Name) (found : NameMap Unit) : NameMap Unit := belowFrom imported reading.env waiting found

def judge (session : Session) (base : Base) (reading : Reading) (request : Json) (root : String) : IO Json := do
  let memory := base.memory
  let proofless := session.session.settings.proofless
  match rootOf reading root with
  | (_, some reason) => return verdictFields root "failed" [reason] .null
  | (none, none) => return verdictFields root "rejected" ["the proof declares no theorem"] .null
  | (some name, none) =>
    let some info := reading.env.find? name
      | return verdictFields root "rejected" ["the proof declares no theorem"] .null
    if !isProof reading info then
      return verdictFields root "rejected" ["the proof does not declare a theorem"] .null
    let hash ← claim base.imported reading info
    let short := Json.str (hash.take 32).toString
    if has request "reference" then
      if text request "reference" != referenceText hash info then
        return verdictFields root "rejected" ["the theorem proved is not the statement asked for"] short
    let (found, uses) ← axiomsOf proofless reading memory name
    let axioms := sortedTexts found
    let mut bad := #[]
    for name in found do
      if !standardAxioms.contains name then
        bad := bad.push (nameText name)
    if bad.size > 0 then
      let reason := s!"it depends on {String.intercalate ", " bad.toList}"
      return verdictFields root "rejected" [reason] short axioms uses
    let (named, implicit) := premises proofless reading name (text request "proof")
    return verdictFields root "proved" [] short axioms [] named implicit

/-- One verdict for all roots, where none can be told from the others. -/
def allOf (request : Json) (status : String) (messages : List String) : Fields := Id.run do
  let mut verdicts := #[]
  for root in texts request "roots" do
    verdicts := verdicts.push (verdictFields root status messages .null)
  return [("verdicts", .arr verdicts)]

def checkAnswer (session : Session) (request : Json) : IO Fields := do
  let base ← baseOf session request
  if !(base.errors matches []) then
    return allOf request "statement_error" base.errors
  try
    let reading ← readExport base.env session.session.settings.heartbeats (text request "export")
    let mut verdicts := #[]
    for root in texts request "roots" do
      verdicts := verdicts.push (← judge session base reading request root)
    return [("verdicts", .arr verdicts)]
  catch reason => return allOf request "rejected" [toString reason]

def referenceFields (base : Base) (reading : Reading) (info : ConstantInfo) : IO Fields := do
  let hash ← claim base.imported reading info
  let reference := Json.str (referenceText hash info)
  return [("ok", .bool true), ("fingerprint", .str (hash.take 32).toString), ("reference", reference)]

def refusal (messages : List String) : Fields := [("ok", .bool false), ("messages", strings messages)]

/-- The reference of a trusted statement, elaborated here. -/
def trustedReference (session : Session) (request : Json) : IO Fields := do
  let base ← baseOf session request
  if !(base.errors matches []) then
    return refusal base.errors
  let outcome ← theoremOf session.session (text request "header") (text request "signature") ":= sorry"
  if !(outcome.errors matches []) then
    return refusal outcome.errors
  if let some reason := outcome.refused then
    return refusal [reason]
  let env := outcome.state.env.toKernelEnv
  match env.find? target with
  | none => return refusal ["the statement declares no theorem"]
  | some info =>
    referenceFields base { base := base.env, env, heartbeats := session.session.settings.heartbeats } info

/-- The reference of a statement that comes as data. -/
def foreignReference (session : Session) (request : Json) : IO Fields := do
  let base ← baseOf session request
  if !(base.errors matches []) then
    return refusal base.errors
  try
    let reading ← readExport base.env session.session.settings.heartbeats (text request "export")
    match rootOf reading (nameText target) with
    | (some name, _) =>
      match reading.env.find? name with
      | some info => referenceFields base reading info
      | none => return refusal ["the statement declares no theorem"]
    | (none, some reason) => return refusal [reason]
    | (none, none) => return refusal ["the statement declares no theorem"]
  catch reason => return refusal [toString reason]

def answer (session : Session) (request : Json) : IO Fields := do
  match text request "op" with
  | "check" => checkAnswer session request
  | "reference" => if has request "export" then foreignReference session request else trustedReference session request
  | "signatures" => signaturesAnswer session.session request
  | "theorems" => theoremsAnswer session.session
  | other => throw (IO.userError s!"a checker knows no request {other}")

end Stp.Checker

def main (arguments : List String) : IO UInt32 := do
  let memories ← IO.mkRef []
  let withMemories (session : Stp.Session) : Stp.Checker.Session := { session, memories }
  Stp.run arguments (unchecked := false) (fun session => Stp.Checker.answer (withMemories session))
    (fun session => discard <| Stp.headerOf session "")
