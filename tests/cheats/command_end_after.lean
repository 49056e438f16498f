-- cheat: ends a section of the file
-- wall: gate
-- statement: : True
trivial
end
