"""A Modbus device by pymodbus: `tcp PORT` or `rtu PATH`, unit 7. What is written can be read back."""

import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

holding = [0] * 60
holding[0] = 215  # temperature, tenths
holding[2:4] = [0x4366, 0x3333]  # 230.2 as float32, high word first
holding[4:6] = [0xE240, 0x0001]  # 123456, low word first
unit = ModbusSlaveContext(
    di=ModbusSequentialDataBlock(0, [0, 1, 1, 0] + [0] * 16),
    co=ModbusSequentialDataBlock(0, [1, 0] + [0] * 18),
    hr=ModbusSequentialDataBlock(0, holding),
    ir=ModbusSequentialDataBlock(0, [65336, 512] + [0] * 8),
    zero_mode=True,
)
context = ModbusServerContext(slaves={7: unit}, single=False)

kind, place = sys.argv[1:]
if kind == "tcp":
    StartTcpServer(context=context, address=("127.0.0.1", int(place)), allow_reuse_address=True)
else:
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=place, baudrate=19200, timeout=0.01)
