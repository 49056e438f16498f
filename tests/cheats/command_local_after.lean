-- cheat: declares a local instance
-- statement: : True
trivial
local instance : Inhabited Nat := ⟨7⟩
