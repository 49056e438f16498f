import Stp.Checker.Library
import Stp.Checker.Verdict

/-!
The checker: decides which theorems are proved, and never runs a candidate's text. It reads declarations in Lean's
export format 3.1, gives each to the kernel on top of an environment that no candidate has touched, compares the
theorem with the statement asked for, and collects the axioms below it by a walk of its own.

    lake env lean --run Checker.lean ANSWERS HEARTBEATS
-/

open Lean

namespace Stp.Checker

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
