-- cheat: declares a local instance
-- wall: gate
-- statement: : True
trivial
local instance : Inhabited Nat := ⟨7⟩
