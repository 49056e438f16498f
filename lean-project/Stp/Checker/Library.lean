import Stp.Frontend

/-!
What the imports hold: theorems by name, and signatures.
-/

open Lean

namespace Stp.Checker

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

end Stp.Checker
