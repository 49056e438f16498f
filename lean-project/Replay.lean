import Lean

/-!
Gives the declarations of compiled modules to the kernel once more, each on its own imports:
`lake exe replay MODULE...`. What entered a module without a check (`debug.skipKernelTC`) is an error here.
-/

open Lean

/-- Why the kernel's second look cannot or does not accept the module. -/
def refuse (module : Name) : IO (Option String) := do
  let (data, _) ← readModuleData (← findOLean module)
  let mut constants : Std.HashMap Name ConstantInfo := {}
  for name in data.constNames, info in data.constants do
    if info.isUnsafe || info.isPartial then
      return some s!"{name} is unsafe or partial"
    if info matches .axiomInfo _ then
      return some s!"{name} is an axiom"
    constants := constants.insert name info
  let env ← importModules data.imports {} 0
  try
    discard <| env.replay constants
    return none
  catch error =>
    return some error.toString

def main (modules : List String) : IO UInt32 := do
  initSearchPath (← findSysroot)
  let mut bad : UInt32 := 0
  for module in modules do
    if let some reason ← refuse module.toName then
      IO.eprintln s!"{module}: {reason}"
      bad := 1
  return bad
