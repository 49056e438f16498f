-- cheat: ends a section of the file
-- statement: : True
trivial
end
