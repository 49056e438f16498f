-- cheat: adds an instance that others could use
-- statement: : True
trivial
instance : Inhabited Empty := ⟨by sorry⟩
