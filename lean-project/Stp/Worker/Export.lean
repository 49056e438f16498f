import Stp.Frontend

/-!
Declarations in Lean's export format 3.1: what the checker judges.
-/

open Lean

namespace Stp.Worker

structure Export where
  env : Kernel.Environment
  /-- Theorems of which only the statement is known: they are exported as axioms. -/
  statements : NameMap Unit := {}
  rows : Array String := #[]
  names : NameMap Nat := {}
  nextName : Nat := 1
  nextLevel : Nat := 1
  nextExpr : Nat := 0
  /-- Numbers of levels and expressions by their rows. -/
  levels : Std.TreeMap String Nat := {}
  exprs : Std.TreeMap String Nat := {}
  known : Numbers := {}
  /-- Declarations that are exported, or being so. -/
  visited : NameMap Unit := {}

abbrev M := StateRefT Export IO

def quoted (value : String) : String := (Json.str value).compress

def row (written : String) : M Unit := modify fun s => { s with rows := s.rows.push written }

partial def putName (name : Name) : M Nat := do
  if name.isAnonymous then
    return 0
  if let some number := (← get).names.get? name then
    return number
  let written ← match name with
    | .str rest part => do pure s!"\"str\":\{\"pre\":{← putName rest},\"str\":{quoted part}}"
    | .num rest part => do pure s!"\"num\":\{\"pre\":{← putName rest},\"i\":{part}}"
    | .anonymous => pure ""
  let number := (← get).nextName
  modify fun s => { s with names := s.names.insert name number, nextName := number + 1 }
  row s!"\{\"in\":{number},{written}}"
  return number

partial def putLevel (level : Level) : M Nat := do
  let written ← match level with
    | .zero => return 0
    | .succ l => do pure s!"\"succ\":{← putLevel l}"
    | .max a b => do pure s!"\"max\":[{← putLevel a},{← putLevel b}]"
    | .imax a b => do pure s!"\"imax\":[{← putLevel a},{← putLevel b}]"
    | .param name => do pure s!"\"param\":{← putName name}"
    | .mvar _ => throw (IO.userError "a level of the declaration is not known")
  if let some number := (← get).levels.get? written then
    return number
  let number := (← get).nextLevel
  modify fun s => { s with levels := s.levels.insert written number, nextLevel := number + 1 }
  row s!"\{\"il\":{number},{written}}"
  return number

/-- Numbers as a list of JSON. -/
def listed (numbers : Array Nat) : String := Id.run do
  let mut written := ""
  for number in numbers.toList do
    written := if written == "" then s!"{number}" else s!"{written},{number}"
  return s!"[{written}]"

def putLevels (levels : List Level) : M String := do
  let mut numbers := #[]
  for level in levels do
    numbers := numbers.push (← putLevel level)
  return listed numbers

def putNames (names : List Name) : M String := do
  let mut numbers := #[]
  for name in names do
    numbers := numbers.push (← putName name)
  return listed numbers

def binderInfo : BinderInfo → String
  | .default => "default"
  | .implicit => "implicit"
  | .strictImplicit => "strictImplicit"
  | .instImplicit => "instImplicit"

/-- The number of an expression, without its metadata. -/
partial def putExpr (e : Expr) : M Nat := do
  if let some number := (← get).known.find? e then
    return number
  let binder (kind : String) (name : Name) (type body : Expr) (info : BinderInfo) : M String := do
    pure s!"\"{kind}\":\{\"name\":{← putName name},\"type\":{← putExpr type},\"body\":{← putExpr body},\
      \"binderInfo\":\"{binderInfo info}\"}"
  let written ← match e with
    | .mdata _ inner => return ← putExpr inner
    | .bvar index => pure s!"\"bvar\":{index}"
    | .sort level => do pure s!"\"sort\":{← putLevel level}"
    | .const name levels => do pure s!"\"const\":\{\"name\":{← putName name},\"us\":{← putLevels levels}}"
    | .app f a => do pure s!"\"app\":\{\"fn\":{← putExpr f},\"arg\":{← putExpr a}}"
    | .lam name type body info => binder "lam" name type body info
    | .forallE name type body info => binder "forallE" name type body info
    | .letE name type value body _ => do
      pure s!"\"letE\":\{\"name\":{← putName name},\"type\":{← putExpr type},\"value\":{← putExpr value},\
        \"body\":{← putExpr body},\"nondep\":false}"
    | .lit (.natVal value) => pure s!"\"natVal\":\"{value}\""
    | .lit (.strVal value) => pure s!"\"strVal\":{quoted value}"
    | .proj name index value => do
      pure s!"\"proj\":\{\"typeName\":{← putName name},\"idx\":{index},\"struct\":{← putExpr value}}"
    | .fvar _ | .mvar _ => throw (IO.userError "the declaration has an open end")
  let number ← match (← get).exprs.get? written with
    | some number => pure number
    | none => do
      let number := (← get).nextExpr
      modify fun s => { s with exprs := s.exprs.insert written number, nextExpr := number + 1 }
      row s!"\{\"ie\":{number},{written}}"
      pure number
  modify fun s => { s with known := s.known.insert e number }
  return number

/-- What all kinds of constants have. -/
def putHead (name : Name) (levelParams : List Name) (type : Expr) : M String := do
  return s!"\"name\":{← putName name},\"levelParams\":{← putNames levelParams},\"type\":{← putExpr type}"

def hints : ReducibilityHints → String
  | .opaque => "\"opaque\""
  | .abbrev => "\"abbrev\""
  | .regular height => s!"\{\"regular\":{height.toNat}}"

def safety : DefinitionSafety → String
  | .unsafe => "\"unsafe\""
  | .safe => "\"safe\""
  | .partial => "\"partial\""

/-- The recursors of a group of inductive types. -/
def recursors (group : InductiveVal) : List Name := Id.run do
  let mut names := #[]
  for type in group.all do
    names := names.push (mkRecName type)
  if let first :: _ := group.all then
    let mut index := 1
    for _ in List.range group.numNested do
      names := names.push (.str first s!"rec_{index}")
      index := index + 1
  return names.toList

def joined (items : Array String) : String := String.intercalate "," items.toList

mutual

/-- Exports a constant after all that it mentions, unless the imports declare it. -/
partial def putConstant (name : Name) : M Unit := do
  let state ← get
  if state.visited.contains name || state.env.constants.map₁.contains name then
    return
  let some info := state.env.find? name
    | throw (IO.userError s!"unknown constant {nameText name}")
  match info with
  | .ctorInfo constructor => return ← putConstant constructor.induct
  | .recInfo recursor =>
    for type in recursor.all do
      putConstant type
    return
  | .inductInfo type => return ← putInductive type
  | _ => pure ()
  modify fun s => { s with visited := s.visited.insert name () }
  putUsed info.type
  if state.statements.contains name then
    row s!"\{\"axiom\":\{{← putHead name info.levelParams info.type},\"isUnsafe\":false}}"
    return
  match info with
  | .axiomInfo val =>
    row s!"\{\"axiom\":\{{← putHead name val.levelParams val.type},\"isUnsafe\":{val.isUnsafe}}}"
  | .defnInfo val =>
    putUsed val.value
    row s!"\{\"def\":\{{← putHead name val.levelParams val.type},\"value\":{← putExpr val.value},\
      \"hints\":{hints val.hints},\"safety\":{safety val.safety},\"all\":{← putNames val.all}}}"
  | .thmInfo val =>
    putUsed val.value
    row s!"\{\"thm\":\{{← putHead name val.levelParams val.type},\"value\":{← putExpr val.value},\
      \"all\":{← putNames val.all}}}"
  | .opaqueInfo val =>
    putUsed val.value
    row s!"\{\"opaque\":\{{← putHead name val.levelParams val.type},\"value\":{← putExpr val.value},\
      \"isUnsafe\":{val.isUnsafe},\"all\":{← putNames val.all}}}"
  | _ => throw (IO.userError s!"{nameText name} belongs to the library")

partial def putUsed (e : Expr) : M Unit := do
  for name in e.getUsedConstants.toList do
    putConstant name

partial def putInductive (group : InductiveVal) : M Unit := do
  let env := (← get).env
  let mut types := #[]
  let mut constructors := #[]
  let mut found := #[]
  for name in group.all do
    modify fun s => { s with visited := s.visited.insert name () }
    if let some (.inductInfo type) := env.find? name then
      types := types.push type
      for name in type.ctors do
        modify fun s => { s with visited := s.visited.insert name () }
        if let some (.ctorInfo constructor) := env.find? name then
          constructors := constructors.push constructor
  for name in recursors group do
    modify fun s => { s with visited := s.visited.insert name () }
    if let some (.recInfo recursor) := env.find? name then
      found := found.push recursor
  for type in types.toList do putUsed type.type
  for constructor in constructors.toList do putUsed constructor.type
  for recursor in found.toList do
    putUsed recursor.type
    for rule in recursor.rules do putUsed rule.rhs
  let mut typeRows := #[]
  for type in types.toList do
    typeRows := typeRows.push s!"\{{← putHead type.name type.levelParams type.type},\"numParams\":{type.numParams},\
      \"numIndices\":{type.numIndices},\"all\":{← putNames type.all},\"ctors\":{← putNames type.ctors},\
      \"numNested\":{type.numNested},\"isRec\":{type.isRec},\"isUnsafe\":{type.isUnsafe},\
      \"isReflexive\":{type.isReflexive}}"
  let mut constructorRows := #[]
  for it in constructors.toList do
    constructorRows := constructorRows.push s!"\{{← putHead it.name it.levelParams it.type},\
      \"induct\":{← putName it.induct},\"cidx\":{it.cidx},\"numParams\":{it.numParams},\
      \"numFields\":{it.numFields},\"isUnsafe\":{it.isUnsafe}}"
  let mut recursorRows := #[]
  for it in found.toList do
    let mut rules := #[]
    for rule in it.rules do
      rules := rules.push
        s!"\{\"ctor\":{← putName rule.ctor},\"nfields\":{rule.nfields},\"rhs\":{← putExpr rule.rhs}}"
    recursorRows := recursorRows.push s!"\{{← putHead it.name it.levelParams it.type},\"all\":{← putNames it.all},\
      \"numParams\":{it.numParams},\"numIndices\":{it.numIndices},\"numMotives\":{it.numMotives},\
      \"numMinors\":{it.numMinors},\"rules\":[{joined rules}],\"k\":{it.k},\"isUnsafe\":{it.isUnsafe}}"
  row s!"\{\"inductive\":\{\"types\":[{joined typeRows}],\"ctors\":[{joined constructorRows}],\
    \"recs\":[{joined recursorRows}]}}"

end

def metaRow : String :=
  s!"\{\"meta\":\{\"exporter\":\{\"name\":\"stp\",\"version\":\"1\"},\
    \"lean\":\{\"githash\":{quoted githash},\"version\":{quoted versionString}},\
    \"format\":\{\"version\":\"3.1.0\"}}}"

/-- The declarations that some constants need beyond the imports, themselves included; and why some have none. -/
def exported (env : Environment) (roots : List Name) (statements : List Name := []) :
    IO (String × List (Name × String)) := do
  let mut start : Export := { env := env.toKernelEnv }
  for name in statements do
    start := { start with statements := start.statements.insert name () }
  let put : M (Array (Name × String)) := do
    let mut failed := #[]
    for root in roots do
      try
        putConstant root
      catch reason => failed := failed.push (root, toString reason)
    return failed
  let (failed, result) ← put.run start
  return (String.intercalate "\n" (metaRow :: result.rows.toList) ++ "\n", failed.toList)

end Stp.Worker
