-- cheat: adds a declaration with code
-- wall: gate
-- statement: : False
h
#eval Lean.Elab.Command.liftCoreM (Lean.addDecl (.axiomDecl { name := `h, levelParams := [], type := .const ``False [], isUnsafe := false }))
