import Stp.Elaboration

/-!
The goal at a hole as the signature of a theorem: printed by Lean, elaborated once more, and compared with what it was.
-/

open Lean

namespace Stp.Sketch

/-- Characters of a goal's signature. -/
def mostOfSignature : Nat := 4000

/-- A `sorry` of a text with what Lean knows at it. -/
structure Hole where
  start : Nat
  stop : Nat
  isTerm : Bool
  context : Elab.ContextInfo
  lctx : LocalContext
  mctx : MetavarContext
  /-- The goals before it; for a term, its type as the type of a made-up goal. -/
  goals : List MVarId
  type : Option Expr := none

/-- A goal as the signature of a theorem, and what to run at its hole so that the hole has the names of that theorem. -/
structure Goal where
  signature : String
  setup : List String

def goalName : Name := `stp_goal

/-- A name like another one that is not taken. -/
def freshName (base : Name) (taken : NameMap Unit) : Name := Id.run do
  let base := match base.eraseMacroScopes with
    | .str _ part => if part == "" then "x" else part
    | _ => "x"
  let base := Name.mkSimple base
  if !taken.contains base then
    return base
  for number in List.range 1000 do
    let name := Name.mkSimple s!"{nameText base}_{number + 1}"
    if !taken.contains name then
      return name
  return base

structure Local where
  decl : LocalDecl
  name : Name
  isHidden : Bool

/-- The local hypotheses with names that can be written: those that a text cannot name get new ones. -/
def localsOf (lctx : LocalContext) : List Local := Id.run do
  -- From the last to the first: what a later one is called, an earlier one cannot be called by.
  let mut reversed : List LocalDecl := []
  for fvar in lctx.getFVarIds.toList do
    if let some decl := lctx.find? fvar then
      if !decl.isImplementationDetail then
        reversed := decl :: reversed
  let mut taken : NameMap Unit := {}
  let mut hidden := #[]
  for decl in reversed do
    let isHidden := decl.userName.hasMacroScopes || decl.userName.isAnonymous || taken.contains decl.userName
    hidden := hidden.push isHidden
    if !isHidden then
      taken := taken.insert decl.userName ()
  let mut found : List Local := []
  let mut index := 0
  for decl in reversed do
    let isHidden := hidden[index]!
    let base := if decl.userName.hasMacroScopes && decl.binderInfo.isInstImplicit then `inst else decl.userName
    let name := if isHidden then freshName base taken else decl.userName
    taken := taken.insert name ()
    found := { decl, name, isHidden } :: found
    index := index + 1
  return found

def joined (words : List String) : String := String.intercalate " " words

/-- What gives a hole's hypotheses the names of the statement, and takes back what its `let`s abstract. -/
def setupOf (locals : List Local) : List String := Id.run do
  let mut renamed := #[]
  let mut reverted := #[]
  for it in locals do
    if it.isHidden then
      renamed := renamed.push (nameText it.name)
    if reverted.size > 0 || it.decl.isLet then
      reverted := reverted.push (nameText it.name)
  let mut setup := #[]
  if renamed.size > 0 then
    setup := setup.push s!"rename_i {joined renamed.toList}"
  if reverted.size > 0 then
    setup := setup.push s!"revert {joined reverted.toList}"
  return setup.toList

/-- Ways to print, from the plainest to the most explicit. -/
def printings : List (Options → Options) :=
  let base := fun (options : Options) =>
    let options := KVMap.setBool options `pp.deepTerms true
    let options := KVMap.setBool options `pp.proofs true
    let options := KVMap.setNat options `pp.maxSteps 50000
    KVMap.setBool options `pp.mvars false
  let typed := fun (options : Options) =>
    let options := KVMap.setBool (base options) `pp.numericTypes true
    let options := KVMap.setBool options `pp.funBinderTypes true
    let options := KVMap.setBool options `pp.coercions.types true
    KVMap.setBool options `pp.fullNames true
  let explicit := fun (options : Options) =>
    KVMap.setBool (typed options) `pp.explicit true
  [base, typed, explicit]

/-- The type of a goal as a closed statement; or why there is none. -/
def closedType (hole : Hole) (goal : Option MVarId) : MetaM (Except String (Expr × List Local)) := do
  let type ← match goal, hole.type with
    | some goal, _ => goal.getType
    | none, some type => pure type
    | none, none => return .error "Lean does not know here what is to be proved; say it, as in `(sorry : 1 = 1)`"
  let lctx := (← read).lctx
  let locals := localsOf lctx
  let mut renamed := lctx
  let mut variables := #[]
  for it in locals do
    renamed := renamed.setUserName it.decl.fvarId it.name
    variables := variables.push (.fvar it.decl.fvarId)
  withReader (fun (context : Meta.Context) => { context with lctx := renamed }) do
    let type := (← instantiateMVars type).consumeMData
    -- What the goal itself speaks of all of is no hypothesis at the hole: the mark keeps it from being printed as a binder.
    let type := if type.isForall then .mdata {} type else type
    if !(← Meta.isProp type) then
      return .error "what is missing is data, not a proof"
    let closed ← instantiateMVars (← Meta.mkForallFVars variables.toList.toArray type (usedLetOnly := false))
    if closed.hasExprMVar then
      return .error "the goal mentions what is not determined yet"
    if closed.hasFVar then
      return .error "the goal mentions the theorem itself"
    let closed ← if closed.hasLevelMVar then pure (levelsNamed closed) else pure closed
    if closed.hasLevelMVar then
      return .error "a universe of the goal is not determined yet"
    return .ok (closed, locals)
where
  /-- Universes that nothing determines become zero, as Lean's own default would have it for propositions. -/
  levelsNamed (e : Expr) : Expr := e.replaceLevel fun
    | .mvar _ => some (.succ .zero)
    | _ => none

def levelsOf (type : Expr) : List Name := (collectLevelParams {} type).params.toList

/-- A text in one line. -/
def inOneLine (written : String) : String := Id.run do
  let mut line := ""
  let mut isIndentation := false
  for letter in written.toList do
    if letter == '\n' then
      line := line.push ' '
      isIndentation := true
    else if !(isIndentation && letter == ' ') then
      line := line.push letter
      isIndentation := false
  return line

/-- The signature that Lean prints of a statement of that type. -/
def printed (type : Expr) (levels : List Name) (options : Options → Options) : MetaM String := do
  let env ← getEnv
  addDecl (.axiomDecl { name := goalName, levelParams := levels, type, isUnsafe := false })
  let shown ← withOptions options (PrettyPrinter.ppSignature goalName)
  setEnv env
  let written := shown.fmt.pretty (width := 1000000)
  return inOneLine (written.drop (nameText goalName).length).trimAscii.toString

/-- Without the names of universes at its beginning, which a header may have declared. -/
def withoutUniverses (signature : String) : String :=
  if signature.startsWith ".{" then
    match signature.splitOn "} " with
    | _ :: rest => String.intercalate "} " rest
    | [] => signature
  else signature

/-- Runs a computation where an information tree was recorded. What the process computed before does not count for its limit. -/
def runIn {α : Type} (context : Elab.ContextInfo) (lctx : LocalContext) (act : MetaM α) : IO α := do
  let core : Core.Context := {
    initHeartbeats := ← IO.getNumHeartbeats
    fileName := "<in>", fileMap := context.fileMap, options := context.options
    currNamespace := context.currNamespace, openDecls := context.openDecls }
  let coreState ← IO.mkRef ({ env := context.env, ngen := context.ngen } : Core.State)
  let metaState ← IO.mkRef ({ mctx := context.mctx } : Meta.State)
  match ← (act { lctx } metaState core coreState).toBaseIO with
  | .ok value => return value
  | .error (.error _ data) => throw (IO.userError (← data.toString))
  | .error _ => throw (IO.userError "an internal exception")

def hasLets (locals : List Local) : Bool := Id.run do
  for it in locals do
    if it.decl.isLet then
      return true
  return false

/-- A signature whose type has `:=` in it, with that type in parentheses. -/
def inParentheses (signature : String) : String := Id.run do
  for word in [": let ", ": have "] do
    if let before :: rest := signature.splitOn word then
      if !(rest matches []) then
        return s!"{before}: ({(word.drop 2).toString}{String.intercalate word rest})"
  return signature

/-- Whether a signature, elaborated on its own, states that type. -/
def states (state : Elab.Command.State) (ahead signature : String) (type : Expr) (levels : List Name) : IO Bool := do
  let result ← elaborateText s!"{ahead}theorem _root_.{nameText goalName} {signature} := sorry\n" state
  if result.failed then
    return false
  match result.state.env.toKernelEnv.find? goalName with
  | some info =>
    let mut values := #[]
    for level in levels do
      values := values.push (Level.param level)
    if countOf info.levelParams != countOf levels then
      return false
    let stated := info.type.instantiateLevelParams info.levelParams values.toList
    if stated == type then
      return true
    match Kernel.isDefEq result.state.env {} stated type with
    | .ok same => return same
    | .error _ => return false
  | none => return false

/-- The same where the type mentions constants that a theorem's elaboration made. -/
def both (state there : Elab.Command.State) (ahead signature : String) (type : Expr) (levels : List Name) : IO Bool := do
  let result ← elaborateText s!"{ahead}theorem _root_.{nameText goalName} {signature} := sorry\n" state
  if result.failed then
    return false
  states there ahead signature type levels

/-- The goal of a hole as a statement; or why there is none. -/
def goalOf (state : Elab.Command.State) (ahead : String) (hole : Hole) : IO (Except String Goal) := do
  let context := { hole.context with mctx := hole.mctx }
  let goal := match hole.goals with
    | goal :: _ => some goal
    | [] => none
  let lctx := match goal with
    | some goal => match hole.mctx.findDecl? goal with
      | some decl => decl.lctx
      | none => hole.lctx
    | none => hole.lctx
  try
    match ← runIn context lctx (closedType hole goal) with
    | .error reason => return .error reason
    | .ok (type, locals) =>
      let levels := levelsOf type
      -- A `match` in a statement is a definition of its own for each theorem: the texts are compared where both are known.
      let mut isForeign := false
      for constant in type.getUsedConstants.toList do
        isForeign := isForeign || !state.env.contains constant
      let there := { state with env := context.env }
      for options in printings do
        let full ← runIn context {} (printed type levels options)
        if full.length ≤ mostOfSignature then
          for signature in [withoutUniverses full, full] do
            let signature := if hasLets locals then inParentheses signature else signature
            if ← (if isForeign then both state there ahead signature type levels else states state ahead signature type levels) then
              return .ok { signature, setup := setupOf locals }
      return .error "no way to write the goal gives it back"
  catch error => return .error s!"the goal cannot be written: {error}"

end Stp.Sketch
