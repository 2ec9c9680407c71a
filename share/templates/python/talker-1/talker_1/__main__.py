"""python3 -m talker_1"""

from talker_1.main import main

main()
