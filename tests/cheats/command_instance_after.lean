-- cheat: adds an instance that others could use
-- wall: gate
-- statement: : True
trivial
instance : Inhabited Empty := ⟨by sorry⟩
