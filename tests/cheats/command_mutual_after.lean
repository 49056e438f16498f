-- cheat: opens a mutual block
-- wall: gate
-- statement: : True
trivial
mutual
theorem b : True := trivial
end
