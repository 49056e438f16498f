-- cheat: ends a section that is not its own
-- wall: gate
-- statement: : False
trivial
end
