import Stp.Frontend
import Stp.Sketch

/-!
The elaborator: runs text that nobody trusts and decides nothing. For a candidate that elaborates it hands out the
resulting declarations in Lean's export format 3.1, which the checker judges.

    lake env lean --run Worker.lean ANSWERS HEARTBEATS
-/

open Lean

namespace Stp.Worker

/-! ### Export -/

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

/-! ### One theorem -/

def errorAnswer (messages : List String) : Fields := [("outcome", .str "errors"), ("messages", strings messages)]

def rejectedAnswer (reason : String) : Fields := [("outcome", .str "rejected"), ("messages", strings [reason])]

/-- Elaborates a theorem with a body; `asStatement`: only its statement is handed out. -/
def theoremAnswer (session : Session) (request : Json) (body : String) (asStatement : Bool) : IO Fields := do
  let most := number request "messages" mostMessages
  let outcome ← theoremOf session (text request "header") (text request "signature") body most
  if !(outcome.errors matches []) then
    return errorAnswer outcome.errors
  if let some reason := outcome.refused then
    return rejectedAnswer reason
  match outcome.state.env.toKernelEnv.find? target with
  | some (.thmInfo _) =>
    match ← exported outcome.state.env [target] (if asStatement then [target] else []) with
    | (data, []) => return [("outcome", .str "done"), ("export", .str data)]
    | (_, (_, reason) :: _) => return rejectedAnswer reason
  | some _ => return rejectedAnswer "the proof does not declare a theorem"
  | none => return rejectedAnswer "the proof declares no theorem"

/-! ### Whole texts -/

def position (input : Parser.InputContext) (at_ : String.Pos.Raw) : Json :=
  let place := input.fileMap.toPosition at_
  Json.mkObj [("line", natural place.line), ("column", natural place.column)]

def placeOf (place : Position) : Json :=
  Json.mkObj [("line", natural place.line), ("column", natural place.column)]

def messageFields (message : Message) : IO Json := do
  let severity := match message.severity with
    | .information => "info"
    | .warning => "warning"
    | .error => "error"
  let data ← message.data.toString
  let fields := [("severity", Json.str severity), ("pos", placeOf message.pos), ("data", .str data.trimAscii.toString)]
  return Json.mkObj <| match message.endPos with
    | some place => ("endPos", placeOf place) :: fields
    | none => fields

def messagesOf (messages : Array Message) : IO Json := do
  let mut found := #[]
  for message in messages.toList do
    found := found.push (← messageFields message)
  return .arr found

/-- The names that the declarations of a command are given in the text, with what they declare. -/
partial def declaredIn (command : Syntax) (kind : Name := .anonymous) : List (Name × Name) := Id.run do
  let mut found := #[]
  let kind := if kind.isAnonymous && command.isOfKind ``Parser.Command.declaration then command[1].getKind else kind
  if command.isOfKind ``Parser.Command.declId then
    return [(kind, command[0].getId)]
  if command.isOfKind ``Parser.Term.byTactic || command.isOfKind ``Parser.Command.declValSimple then
    return []
  for part in command.getArgs.toList do
    for pair in declaredIn part kind do
      found := found.push pair
  return found.toList

/-- An `example` with a type becomes a theorem of that name, wherever `set_option … in` and its like put it. -/
partial def named (command : Syntax) (name : Name) : Option Syntax :=
  if command.isOfKind ``Parser.Command.declaration then
    let inner := command[1]
    -- `optDeclSig` without a type has nothing to prove.
    if inner.isOfKind ``Parser.Command.example && inner[1][1].getArgs.size == 1 then
      let id := mkNode ``Parser.Command.declId #[mkIdentFrom inner[0] (`_root_ ++ name), mkNullNode]
      let signature := mkNode ``Parser.Command.declSig #[inner[1][0], inner[1][1][0]]
      let declared := mkNode ``Parser.Command.theorem #[mkAtomFrom inner[0] "theorem", id, signature, inner[2]]
      some (command.setArg 1 declared)
    else none
  else if command.isOfKind ``Parser.Command.in then
    match named command[2] name with
    | some inner => some (command.setArg 2 inner)
    | none => none
  else none

/-- Calls a function with all entries of a map of what was declared since the imports. -/
partial def localNames (node : PersistentHashMap.Node Name ConstantInfo) (found : Array Name) : Array Name := Id.run do
  let mut found := found
  match node with
  | .entries entries =>
    for entry in entries.toList do
      match entry with
      | .entry name _ => found := found.push name
      | .ref inner => found := localNames inner found
      | .null => pure ()
  | .collision names _ _ =>
    for name in names.toList do
      found := found.push name
  return found

/-- One command of a text, as far as it was found out. -/
structure Step where
  start : String.Pos.Raw
  stop : String.Pos.Raw
  /-- Theorems that it declares, by their full names. -/
  theorems : List Name
  /-- Whether it means to: one with errors may have declared none. -/
  isTheorem : Bool
  /-- What the text calls the first; empty for an `example`. -/
  name : String
  messages : Array Message

structure Reading where
  state : Elab.Command.State
  steps : Array Step := #[]
  declared : NameMap Unit := {}
  examples : Nat := 0

def hasErrors (messages : Array Message) : Bool := Id.run do
  for message in messages.toList do
    if isError message then
      return true
  return false

/-- What a command declared, which theorems its author would say that it has, and what it calls the first. -/
structure Described where
  declares : List Name
  theorems : List Name
  isTheorem : Bool
  name : String

def describe (reading : Reading) (command : Syntax) (after : Elab.Command.State) (currentNamespace : Name) :
    Described := Id.run do
  let kernel := after.env.toKernelEnv
  let mut new := #[]
  for name in (localNames kernel.constants.map₂.root #[]).toList do
    if !reading.declared.contains name then
      new := new.push name
  let mut theorems := #[]
  let mut meant := false
  let mut called := ""
  for (kind, given) in declaredIn command do
    let rooted := given.replacePrefix `_root_ .anonymous
    let full := if rooted == given then currentNamespace ++ given else rooted
    let mut declared := none
    for name in new.toList do
      if userName name == full then
        declared := some name
    let isTheorem := match declared with
      | some name => (kernel.find? name matches some (.thmInfo _))
      | none => kind == ``Parser.Command.theorem || kind == `lemma
    if isTheorem then
      called := if meant then called else nameText given
      meant := true
      if let some name := declared then
        theorems := theorems.push name
  return { declares := new.toList, theorems := theorems.toList, isTheorem := meant, name := called }

/-- One command, elaborated: an example as the theorem that it is, where it is one. -/
structure Elaborated where
  ran : Ran
  command : Syntax
  isExample : Bool := false

def elaborateStep (input : Parser.InputContext) (start : String.Pos.Raw) (command : Syntax) (parsing : MessageLog)
    (reading : Reading) : IO Elaborated := do
  match named command (freeName reading.state.env (reading.examples + 1)) with
  | none => return { ran := ← elaborateCommand input start command parsing reading.state, command }
  | some declared =>
    let ran ← elaborateCommand input start declared parsing reading.state
    if !hasErrors ran.messages then
      return { ran, command := declared, isExample := true }
    -- Data, not a theorem? Then there is nothing to prove, and Lean has nothing against the example as it stands.
    let other ← elaborateCommand input start command parsing reading.state
    return { ran := other, command, isExample := hasErrors other.messages || !(← isData ran.messages) }
where
  /-- A name for an example that the text has not given to something else. -/
  freeName (env : Environment) (number : Nat) : Name := Id.run do
    for further in List.range 1000 do
      let name := Name.str .anonymous s!"stp_example_{number + further}"
      if !env.contains name then
        return name
    return .str .anonymous "stp_example"
  isData (messages : Array Message) : IO Bool := do
    for message in messages.toList do
      if let _ :: _ :: _ := (← message.data.toString).splitOn "is not a proposition" then
        return true
    return false

partial def read (input : Parser.InputContext) (parser : Parser.ModuleParserState) (reading : Reading) : IO Reading := do
  let currentNamespace := match reading.state.scopes with
    | scope :: _ => scope.currNamespace
    | [] => .anonymous
  let (command, next, parsing) := parseCommand input parser reading.state
  let done ← elaborateStep input parser.pos command parsing reading
  let found := describe reading done.command done.ran.after currentNamespace
  let isEnd := Parser.isTerminalCommand command
  let start := command.getPos?.getD parser.pos
  let step := {
    start, stop := command.getTailPos?.getD start
    theorems := found.theorems, isTheorem := found.isTheorem || done.isExample
    name := if done.isExample then "" else found.name
    messages := done.ran.messages }
  let mut declared := reading.declared
  for name in found.declares do
    declared := declared.insert name ()
  let reading := {
    state := done.ran.after, declared
    steps := if isEnd && step.messages.size == 0 then reading.steps else reading.steps.push step
    examples := if done.isExample then reading.examples + 1 else reading.examples }
  if isEnd then
    return reading
  read input next reading

def names (given : List Name) : Json := Id.run do
  let mut found := #[]
  for name in given do
    found := found.push (nameText name)
  return strings found.toList

/-- What is read of a text: its commands, or the errors of its imports. -/
def readText (session : Session) (code : String) : IO (Split × Array Step × Environment) := do
  let parts ← split code
  let imported ← imported session parts
  if !(imported.errors matches []) then
    let mut messages := #[]
    for said in imported.errors do
      messages := messages.push { fileName := "<in>", pos := ⟨1, 0⟩, data := m!"{said}" }
    let step : Step := { start := 0, stop := parts.parser.pos, theorems := [], isTheorem := false, name := "", messages }
    return (parts, #[step], imported.env)
  let state := Elab.Command.mkState imported.env {} (optionsOf session.settings)
  let reading ← read parts.input parts.parser { state }
  return (parts, reading.steps, reading.state.env)

def sourceAnswer (session : Session) (code : String) : IO Fields := do
  let (parts, steps, env) ← readText session code
  let mut roots := #[]
  for step in steps.toList do
    for name in step.theorems do
      roots := roots.push name
  let (data, failed) ← exported env roots.toList
  let mut commands := #[]
  for step in steps.toList do
    let mut messages := step.messages
    for (name, reason) in failed do
      if step.theorems.contains name then
        let pos := parts.input.fileMap.toPosition step.start
        messages := messages.push { fileName := parts.input.fileName, pos, data := m!"{reason}" }
    commands := commands.push <| Json.mkObj [
      ("pos", position parts.input step.start), ("end_pos", position parts.input step.stop),
      ("theorems", names step.theorems), ("is_theorem", .bool step.isTheorem), ("name", .str step.name),
      ("messages", ← messagesOf messages)]
  return [
    ("commands", .arr commands), ("imports", .str parts.importText), ("messages", .arr #[]),
    ("export", .str data)]

/-- What Lean says of a whole text; nothing is judged, and no open ends are listed. -/
def fileAnswer (session : Session) (code : String) : IO Fields := do
  let (_, steps, _) ← readText session code
  let mut found := #[]
  for step in steps.toList do
    for message in step.messages.toList do
      found := found.push (← messageFields message)
  return [("messages", .arr found), ("sorries", .arr #[])]

/-! ### Requests -/

def answer (session : Session) (request : Json) : IO Fields := do
  match text request "op" with
  | "elaborate" => theoremAnswer session request (bodyOf (text request "proof")) false
  | "statement" => theoremAnswer session request ":= sorry" true
  | "sketch" =>
    let header ← headerOf session (text request "header")
    match header.errors with
    | reason :: _ => return Sketch.refusal reason
    | [] => Sketch.sketchAnswer header.state header.ahead (text request "signature") (text request "proof")
  | "source" => sourceAnswer session (text request "code")
  | "file" => fileAnswer session (text request "code")
  | other => throw (IO.userError s!"a worker knows no request {other}")

/-- The first candidate of a process takes longest: better before anybody waits for it. -/
def warmUp (session : Session) : IO Unit := do
  discard <| theoremOf session "" "(a b : Nat) : a + b = b + a" ":= by omega"

end Stp.Worker

def main (arguments : List String) : IO UInt32 :=
  Stp.run arguments (unchecked := true) Stp.Worker.answer Stp.Worker.warmUp
