-- cheat: opens a mutual block
-- statement: : True
trivial
mutual
theorem b : True := trivial
end
